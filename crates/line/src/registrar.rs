//! Contacts of stations that registered (RFC 3261 section 10): one each, in memory, with an end.

use crate::limits::{CONTACT_MAX, CONTACT_MIN, CONTACTS_MAX};
use crate::transport::Hop;
use core::time::Duration;
use model::{Private, StationId, Timestamp};
use std::collections::HashMap;

/// Where a station can be called.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    /// The URI it gave.
    pub(crate) uri: Private<String>,
    /// Where its REGISTER came from, or the port it named on that host.
    pub(crate) hop: Hop,
    /// When this ends.
    pub(crate) expires: Timestamp,
}

/// The contacts.
#[derive(Default)]
pub(crate) struct Registrar {
    contacts: HashMap<StationId, Contact>,
}

/// What is answered to a wish for so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// Kept for so long.
    For(Duration),
    /// Forgotten.
    Removed,
    /// Too short: 423 with Min-Expires.
    TooBrief,
    /// No room for another station.
    Full,
}

impl Registrar {
    /// Keeps `uri` for the seconds that were asked for, or forgets what was kept when that is zero.
    pub(crate) fn keep(
        &mut self,
        station: StationId,
        uri: &str,
        hop: Hop,
        asked_seconds: u64,
        now: Timestamp,
    ) -> Granted {
        if asked_seconds == 0 {
            self.contacts.remove(&station);
            return Granted::Removed;
        }
        let asked = Duration::from_secs(asked_seconds);
        if asked < CONTACT_MIN {
            return Granted::TooBrief;
        }
        if self.contacts.len() >= CONTACTS_MAX && !self.contacts.contains_key(&station) {
            self.contacts.retain(|_, contact| contact.expires > now);
            if self.contacts.len() >= CONTACTS_MAX {
                return Granted::Full;
            }
        }
        let granted = asked.min(CONTACT_MAX);
        let uri = Private::new(uri.to_owned());
        self.contacts.insert(station, Contact { uri, hop, expires: now.after(granted) });
        Granted::For(granted)
    }

    /// Where to call `station` now.
    pub(crate) fn find(&self, station: StationId, now: Timestamp) -> Option<&Contact> {
        self.contacts.get(&station).filter(|contact| contact.expires > now)
    }

    /// The stations that can be called now, each with when that ends.
    pub(crate) fn all(&self, now: Timestamp) -> impl Iterator<Item = (StationId, Timestamp)> {
        let known = self.contacts.iter().map(|(station, contact)| (*station, contact.expires));
        known.filter(move |(_, expires)| *expires > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_end_are_capped_and_can_be_removed() {
        let mut registrar = Registrar::default();
        let start = Timestamp::from_micros(0);
        let hop = Hop::udp("127.0.0.1:5070".parse().unwrap());
        let mut keep =
            |seconds| registrar.keep(StationId(1), "sip:a@127.0.0.1", hop, seconds, start);
        assert_eq!(keep(29), Granted::TooBrief);
        assert_eq!(keep(u64::MAX), Granted::For(CONTACT_MAX));
        assert_eq!(keep(60), Granted::For(Duration::from_secs(60)));
        let at = |seconds| start.after(Duration::from_secs(seconds));
        assert!(registrar.find(StationId(1), at(59)).is_some());
        assert!(registrar.find(StationId(1), at(60)).is_none());
        assert!(registrar.find(StationId(2), start).is_none());
        assert_eq!(registrar.all(at(59)).collect::<Vec<_>>(), [(StationId(1), at(60))]);
        assert_eq!(registrar.all(at(60)).count(), 0);
        registrar.keep(StationId(1), "", hop, 0, start);
        assert!(registrar.find(StationId(1), start).is_none());
    }
}
