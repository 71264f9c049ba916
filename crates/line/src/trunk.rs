//! Ways out to carriers: what is configured, and which one a call takes.

use crate::identity::Attest;
use crate::resolve::TrunkName;
use crate::tls::{Client, TlsError, TlsPeer};
use crate::transport::{Hop, Transport};
use crate::{Encryption, LineError, TrunkHealth};
use core::time::Duration;
use model::{E164, Private, Timestamp, TrunkId};
use std::net::{IpAddr, SocketAddr};

#[cfg(test)]
mod tests;

/// One way out to a carrier.
#[derive(Clone, Debug)]
pub struct TrunkConfig {
    /// Its number, by which the journal knows it; never given to another trunk.
    pub id: TrunkId,
    /// Where requests are sent: the carrier's server, or a proxy before it. Nothing is sent there
    /// when there is a `name`.
    pub address: SocketAddr,
    /// The name by which its addresses are found, again and again.
    pub name: Option<TrunkName>,
    /// How they travel.
    pub transport: Transport,
    /// How the other end's certificate is checked; needed with TLS.
    pub tls: Option<TlsPeer>,
    /// The carrier's name in request URIs and From; its address when there is none.
    pub domain: Option<String>,
    /// Our address as the carrier sees it, where a router translates addresses one to one: it
    /// stands in Via, Contact and session descriptions.
    pub public: Option<IpAddr>,
    /// Trunks of the lowest order are tried first.
    pub order: u16,
    /// Share of the calls among trunks of the same order; 0 only takes what others cannot.
    pub weight: u16,
    /// Most calls on it at once.
    pub channels_max: u32,
    /// Most calls begun on it within a second.
    pub calls_per_second_max: u32,
    /// How numbers are written.
    pub numbers: NumberFormat,
    /// Whether the facility's number is asserted as well (P-Asserted-Identity, RFC 3325).
    pub asserted: bool,
    /// How sure the signature says we are of the caller's number (RFC 8588), or `None` where calls
    /// are not signed.
    pub attest: Option<Attest>,
    /// The account with the carrier.
    pub account: Option<TrunkAccount>,
    /// How often the carrier is asked whether it is there (OPTIONS); `None` for never.
    pub probe_every: Option<Duration>,
    /// Whether audio is encrypted.
    pub encryption: Encryption,
}

impl TrunkConfig {
    /// A trunk at `address` with nothing special about it.
    pub fn plain(id: TrunkId, address: SocketAddr) -> Self {
        Self {
            id,
            address,
            name: None,
            transport: Transport::Udp,
            tls: None,
            domain: None,
            public: None,
            order: 0,
            weight: 1,
            channels_max: u32::MAX,
            calls_per_second_max: u32::MAX,
            numbers: NumberFormat::default(),
            asserted: false,
            attest: None,
            account: None,
            probe_every: None,
            encryption: Encryption::Off,
        }
    }

    pub(crate) const fn hop(&self) -> Hop {
        Hop { transport: self.transport, address: self.address }
    }

    /// The carrier's name, as URIs write it.
    pub(crate) fn host(&self) -> String {
        let known = self.domain.clone().or_else(|| self.name.as_ref().map(TrunkName::host));
        known.unwrap_or_else(|| self.address.to_string())
    }
}

/// An account with a carrier.
#[derive(Clone, Debug)]
pub struct TrunkAccount {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Private<String>,
    /// Whether we register (RFC 3261 section 10), so that the carrier knows where we are; without,
    /// the account only answers challenges.
    pub register: bool,
    /// How long a registration shall last; the carrier can make it shorter.
    pub expires: Duration,
}

/// How a trunk wants numbers: written in one form, then so many characters taken off the front,
/// then a prefix put before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFormat {
    /// The form.
    pub form: NumberForm,
    /// Characters taken off the front.
    pub strip: u8,
    /// What is put before it.
    pub prefix: String,
}

/// The forms of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NumberForm {
    /// `+12025550142`
    #[default]
    Plus,
    /// `12025550142`
    Digits,
    /// Numbers of one country without its code, others with a prefix for calls abroad:
    /// `2025550142`, `011442079460142`.
    National {
        /// The country's code, such as 1.
        country: String,
        /// What is dialled before numbers abroad, such as 011.
        abroad: String,
    },
}

impl NumberFormat {
    /// Writes `number`.
    pub(crate) fn write(&self, number: E164) -> String {
        let digits = number.digits().to_string();
        let written = match &self.form {
            NumberForm::Plus => format!("+{digits}"),
            NumberForm::Digits => digits,
            NumberForm::National { country, abroad } => match digits.strip_prefix(country) {
                Some(national) if !country.is_empty() => national.to_owned(),
                Some(_) | None => format!("{abroad}{digits}"),
            },
        };
        let rest = written.get(usize::from(self.strip)..).unwrap_or("");
        format!("{}{rest}", self.prefix)
    }
}

/// All trunks, and how they are.
pub(crate) struct Trunks {
    all: Vec<Trunk>,
    /// None is configured: the directory's is used.
    provisioned: bool,
}

/// A trunk, and how it is.
pub(crate) struct Trunk {
    /// `address` is the place that is used now.
    pub(crate) config: TrunkConfig,
    /// Every place where it can be reached, in the order in which they are tried; none while its
    /// name is not known.
    places: Vec<SocketAddr>,
    /// The first places did not take a call.
    turned: bool,
    /// Checks the other end of its TLS connections.
    pub(crate) tls: Option<Client>,
    calls: u32,
    /// The running second, and the calls begun in it.
    second: (i64, u32),
    /// Grows by the weight with each choice, shrinks by all weights when chosen.
    credit: i64,
    /// It answered the last OPTIONS, or was not asked yet.
    answers: bool,
    /// It knows where we are, or does not want to.
    registered: bool,
    /// Rests until then, after it could not take a call.
    rests_until: Timestamp,
}

impl Trunks {
    /// # Errors
    /// When the authorities of a trunk do not read.
    pub(crate) fn new(configured: &[TrunkConfig]) -> Result<Self, LineError> {
        let mut all = Vec::with_capacity(configured.len());
        for config in configured {
            let tls = config.tls.as_ref().filter(|_| config.transport == Transport::Tls);
            all.push(Trunk::new(config.clone(), tls)?);
        }
        Ok(Self { provisioned: all.is_empty(), all })
    }

    /// Takes over the directory's trunk, where none is configured.
    pub(crate) fn provision(&mut self, address: Option<SocketAddr>) {
        let same = self.all.first().map(|trunk| trunk.config.address) == address;
        if !self.provisioned || same {
            return;
        }
        let config = address.map(|address| TrunkConfig::plain(TrunkId(0), address));
        // Without TLS nothing is read, so nothing can fail.
        let trunk = config.and_then(|config| Trunk::new(config, None).ok());
        self.all = trunk.into_iter().collect();
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Trunk> {
        self.all.get(index)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Trunk> {
        self.all.get_mut(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Trunk)> {
        self.all.iter().enumerate()
    }

    /// The trunk for the next call: of those that are up, not tried and have room, one of the
    /// lowest order, in turn by weight. Those that are down are tried when no other is left: a call
    /// that may fail is better than one that fails for sure.
    pub(crate) fn choose(&mut self, now: Timestamp, tried: &[usize]) -> Option<usize> {
        let open = |(index, trunk): &(usize, &Trunk)| trunk.is_open(now, *index, tried);
        let rank = |trunk: &Trunk| (!trunk.is_up(now), trunk.config.order);
        let best = self.iter().filter(open).map(|(_, trunk)| rank(trunk)).min()?;
        let among: Vec<usize> = self
            .iter()
            .filter(open)
            .filter(|(_, trunk)| rank(trunk) == best)
            .map(|(index, _)| index)
            .collect();
        let mut total = 0;
        let mut chosen: Option<(i64, usize)> = None;
        for index in among {
            let trunk = self.all.get_mut(index)?;
            let weight = i64::from(trunk.config.weight);
            total += weight;
            trunk.credit += weight;
            if chosen.is_none_or(|(credit, _)| trunk.credit > credit) {
                chosen = Some((trunk.credit, index));
            }
        }
        let (_, index) = chosen?;
        self.all.get_mut(index)?.credit -= total;
        Some(index)
    }

    /// Whether a call that was tried on these trunks has another one to try.
    pub(crate) fn has_other(&self, now: Timestamp, tried: &[usize]) -> bool {
        self.iter().any(|(index, trunk)| trunk.is_open(now, index, tried))
    }

    /// Whether `source` is one of the carriers. On loopback, where stations may live too, the port
    /// counts.
    pub(crate) fn is_source(&self, source: SocketAddr) -> bool {
        let is = |address: &SocketAddr| {
            *address == source || address.ip() == source.ip() && !source.ip().is_loopback()
        };
        self.all.iter().any(|trunk| trunk.places.iter().any(is))
    }
}

impl Trunk {
    fn new(config: TrunkConfig, tls: Option<&TlsPeer>) -> Result<Self, TlsError> {
        let register = config.account.as_ref().is_some_and(|account| account.register);
        let places = if config.name.is_some() { vec![] } else { vec![config.address] };
        Ok(Self {
            tls: tls.map(Client::new).transpose()?,
            config,
            places,
            turned: false,
            calls: 0,
            second: (0, 0),
            credit: 0,
            answers: true,
            registered: !register,
            rests_until: Timestamp::default(),
        })
    }

    /// Whether it is expected to take a call.
    pub(crate) fn is_up(&self, now: Timestamp) -> bool {
        self.health(now) == TrunkHealth::Up
    }

    /// The worst that is known of it.
    pub(crate) fn health(&self, now: Timestamp) -> TrunkHealth {
        if !self.is_somewhere() {
            TrunkHealth::Nowhere
        } else if !self.answers {
            TrunkHealth::Silent
        } else if !self.registered {
            TrunkHealth::Unregistered
        } else if self.rests_until > now {
            TrunkHealth::Resting
        } else {
            TrunkHealth::Up
        }
    }

    /// Calls on it.
    pub(crate) const fn calls(&self) -> u32 {
        self.calls
    }

    /// Whether anybody knows where it is.
    pub(crate) const fn is_somewhere(&self) -> bool {
        !self.places.is_empty()
    }

    /// Whether it is reached at this hop.
    pub(crate) fn is_at(&self, hop: Hop) -> bool {
        self.config.transport == hop.transport && self.places.contains(&hop.address)
    }

    /// Takes over the places that its name has now. The one that is used stays as long as it is
    /// among them and took what was sent there. Says whether another one is used now.
    pub(crate) fn found(&mut self, places: Vec<SocketAddr>) -> bool {
        let Some(first) = places.first().copied() else { return false };
        let stays = places.contains(&self.config.address) && !self.turned;
        self.places = places;
        self.turned = false;
        if stays {
            return false;
        }
        core::mem::replace(&mut self.config.address, first) != first
    }

    /// It could not be reached where it was looked for: from now on it is looked for at the next
    /// place. Says whether a call that was `tried` on these trunks has not been there yet.
    pub(crate) fn turn(&mut self, index: usize, tried: &[usize]) -> bool {
        let here = self.places.iter().position(|place| *place == self.config.address);
        let next = here.map_or(0, |here| here + 1);
        let next = self.places.get(next).or_else(|| self.places.first()).copied();
        if let Some(next) = next.filter(|_| self.places.len() > 1) {
            self.config.address = next;
            self.turned = true;
        }
        self.has_untried(index, tried)
    }

    fn has_untried(&self, index: usize, tried: &[usize]) -> bool {
        tried.iter().filter(|other| **other == index).count() < self.places.len()
    }

    /// Whether a call that was tried on these trunks can be tried here.
    fn is_open(&self, now: Timestamp, index: usize, tried: &[usize]) -> bool {
        self.has_untried(index, tried) && self.has_room(now)
    }

    /// Notes whether it answered when it was asked. Says whether that is news.
    pub(crate) fn answered(&mut self, answers: bool) -> bool {
        core::mem::replace(&mut self.answers, answers) != answers
    }

    /// Notes whether it knows where we are. Says whether that is news.
    pub(crate) fn registered(&mut self, registered: bool) -> bool {
        core::mem::replace(&mut self.registered, registered) != registered
    }

    /// It could not take a call.
    pub(crate) fn rest(&mut self, until: Timestamp) {
        self.rests_until = until;
    }

    /// A call begins on it.
    pub(crate) fn take(&mut self, now: Timestamp) {
        self.calls += 1;
        let second = now.micros() / MICROS_PER_SECOND;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
    }

    /// A call on it is over.
    pub(crate) const fn release(&mut self) {
        self.calls = self.calls.saturating_sub(1);
    }

    fn has_room(&self, now: Timestamp) -> bool {
        let begun = match self.second {
            (second, begun) if second == now.micros() / MICROS_PER_SECOND => begun,
            _ => 0,
        };
        self.calls < self.config.channels_max && begun < self.config.calls_per_second_max
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;
