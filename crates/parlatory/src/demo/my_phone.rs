//! The reader's own softphone: as a station in the facility, and as a called party behind the
//! trunk.

use std::{net::SocketAddr, sync::mpsc::Receiver, thread, time::Duration};

use anyhow::{Context, Result};
use line::Target;
use md5::{Digest, Md5};
use model::{Private, Side};

use super::exchange::{Account, Arrival, Exchange, READER};
use crate::{node::REALM, print::line};

/// The account of the reader's softphone, if there is to be one.
pub(crate) struct Credentials {
    password: Option<String>,
}

/// A softphone that may ring.
pub(crate) struct MyPhone {
    password: String,
}

impl Credentials {
    /// A fresh password when `wanted`.
    pub(crate) fn new(wanted: bool) -> Result<Self> {
        if !wanted {
            return Ok(Self { password: None });
        }
        let mut random = [0_u8; 6];
        getrandom::fill(&mut random).context("the operating system gives no randomness")?;
        let password = random.iter().map(|octet| format!("{octet:02x}")).collect();
        Ok(Self { password: Some(password) })
    }

    /// The password of the station account, for the provision file.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The account at the trunk's side.
    pub(crate) fn at_exchange(&self) -> Account {
        Account(self.password.as_ref().map(|password| {
            let hash = Md5::digest(format!("{USER_CALLED}:{REALM}:{password}"));
            (USER_CALLED.to_owned(), Private::new(hash.into()))
        }))
    }

    /// Lets the softphone ring when its number is called.
    pub(crate) fn start(self, outside: &Exchange) -> Option<MyPhone> {
        let password = self.password?;
        let (arrivals, exchange) = (outside.wait_at(&format!("1{NUMBER}")), outside.clone());
        thread::spawn(move || take_calls(&exchange, &arrivals));
        Some(MyPhone { password })
    }
}

impl MyPhone {
    /// Says how to connect a softphone.
    pub(crate) fn print(&self, node: SocketAddr, trunk: SocketAddr) {
        let password = &self.password;
        line("  Your softphone (SIP over UDP, G.711), for instance baresip or Linphone:");
        line("");
        line("    as a station in the facility   as the called party");
        line(&format!("    user      {USER_STATION:<20} user      {USER_CALLED}"));
        line(&format!("    password  {password:<20} password  {password}"));
        line(&format!("    server    {:<20} server    {trunk}", node.to_string()));
        line("");
        line(&format!("  As the station, call any number to hear the menu. PIN {PIN}, then #."));
        line(&format!("  Dial {NUMBER} and # to make the called party's account ring."));
        line("");
    }
}

/// User name of the station account.
pub(crate) const USER_STATION: &str = "my-station";
/// PIN of the person who uses it.
pub(crate) const PIN: &str = "555123";
/// Number of the reader's softphone as a called party.
pub(crate) const NUMBER: &str = "2025550150";
/// Port of the node where a softphone must find it.
pub(crate) const NODE_PORT: u16 = 5070;
/// Port of the trunk's side where a softphone must find it.
pub(crate) const TRUNK_PORT: u16 = 5080;

const USER_CALLED: &str = "my-phone";

fn take_calls(exchange: &Exchange, arrivals: &Receiver<Arrival>) {
    while let Ok(arrival) = arrivals.recv() {
        exchange.ring(&arrival);
        if let Err(error) = relay(exchange, &arrival) {
            line(&format!("  your softphone: {error:#}"));
            exchange.reject(&arrival, UNAVAILABLE);
        }
    }
}

/// Rings the softphone, and joins it with the node's call when it answers.
fn relay(exchange: &Exchange, arrival: &Arrival) -> Result<()> {
    let call = exchange.next_call();
    let user = Private::new(USER_CALLED.to_owned());
    let target = Target::Registered { station: READER, user };
    let mut mine = exchange.call_on(call.leg(Side::Called), target, "trunk")?;
    mine.wait_answer(RINGING)?;
    let mut node = exchange.answer_on(call.leg(Side::Station), arrival)?;
    exchange.join(call);
    // The keys of the softphone are pressed again on the way to the node, as a carrier would.
    loop {
        match mine.wait_key(TURN) {
            Ok(Some(key)) => node.press_keys(&[key]),
            Ok(None) => {}
            Err(_) => return Ok(()),
        }
        if node.wait_key(Duration::ZERO).is_err() {
            return Ok(());
        }
    }
}

const RINGING: Duration = Duration::from_secs(60);
const TURN: Duration = Duration::from_millis(50);
/// SIP: temporarily unavailable (RFC 3261 section 21.4.18).
const UNAVAILABLE: u16 = 480;
