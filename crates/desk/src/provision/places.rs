//! Agencies, facilities, units, stations and gateways.

use super::{
    fields::Fields,
    limits::{
        ADP_MAX, LINES_COUNT_MAX, PASSWORD_CHARS_MIN, PRIVATE_CLAIMS_LIMIT, RELAY_FACTOR,
        REMINDER_MINUTES_MAX, TALK_MINUTES_DEFAULT, TALK_MINUTES_MAX, YEARS,
    },
    word::{address, check_id, check_key, check_name, meant, state},
};
use charging::{CapTable, LawfulRate, Rate};
use jiff::tz::TimeZone;
use model::{
    E164, Money, Private, Timestamp,
    place::{FacilityKind, Site},
    plan::{
        BlockScope, CalledChoices, Dialling, DiskFull, Hotline, PRIVATE_CLAIMS_COUNT_MAX,
        RegistryDown, StationAccess,
    },
};
use registry::{Dialled, Home, normalise};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use store::{
    Plan,
    plan::{Agency, Facility, Station, StationCaller, Unit},
};
use vault::KeyholderKey;

/// The places of the file by path, each with the line where it stands.
#[derive(Default)]
pub(super) struct Places {
    pub(super) agencies: BTreeMap<String, u64>,
    pub(super) facilities: BTreeMap<String, u64>,
    units: BTreeMap<String, u64>,
    stations: BTreeMap<String, u64>,
    /// By what a station's calls are recognised: an address with a gateway's line, or a digest
    /// user.
    signs: BTreeMap<(Option<SocketAddr>, Option<String>), u64>,
}

impl Places {
    /// Reads all places into `plan`.
    pub(super) fn read(
        top: &mut Fields<'_, '_>,
        caps: &CapTable,
        now: Timestamp,
        plan: &mut Plan,
    ) -> Self {
        let mut places = Self::default();
        let source = top.source();
        for (table, at) in top.tables("agency") {
            let mut fields = Fields::new(source, table, at, "agency", top.problems());
            plan.agencies.extend(places.agency(&mut fields));
            fields.finish();
        }
        for (table, at) in top.tables("facility") {
            let mut fields = Fields::new(source, table, at, "facility", top.problems());
            plan.facilities.extend(places.facility(&mut fields, caps, now));
            fields.finish();
        }
        for (table, at) in top.tables("unit") {
            let mut fields = Fields::new(source, table, at, "unit", top.problems());
            plan.units.extend(places.unit(&mut fields));
            fields.finish();
        }
        for (table, at) in top.tables("station") {
            let mut fields = Fields::new(source, table, at, "station", top.problems());
            plan.stations.extend(places.station(&mut fields));
            fields.finish();
        }
        for (table, at) in top.tables("gateway") {
            let mut fields = Fields::new(source, table, at, "gateway", top.problems());
            plan.stations.extend(places.gateway(&mut fields));
            fields.finish();
        }
        places
    }

    fn agency(&mut self, fields: &mut Fields<'_, '_>) -> Option<Agency> {
        let key = fields.need_checked("key", "cedar", |text| check_key(text).map(|()| text));
        if let Some(key) = key {
            first(&mut self.agencies, key, "agency", fields);
        }
        let name = fields.need_checked("name", "Cedar County Sheriff", |text| {
            check_name(text).map(|()| text.to_owned())
        });
        let keyholder = fields.text("keyholder").map(str::to_owned);
        if let Some(Err(wrong)) = keyholder.as_ref().map(|text| text.parse::<KeyholderKey>()) {
            fields.wrong_at("keyholder", format!("`keyholder`: {wrong}"));
        }
        Some(Agency { key: key?.to_owned(), name: name?, keyholder })
    }

    fn facility(
        &mut self,
        fields: &mut Fields<'_, '_>,
        caps: &CapTable,
        now: Timestamp,
    ) -> Option<Facility> {
        let agency = reference(&self.agencies, "agency", "cedar", fields);
        let key = own_key("jail", agency, fields);
        if let Some(key) = &key {
            first(&mut self.facilities, key, "facility", fields);
        }
        let name = fields.need_checked("name", "Cedar County Jail", |text| {
            check_name(text).map(|()| text.to_owned())
        });
        let kinds = [("jail", FacilityKind::Jail), ("prison", FacilityKind::Prison)];
        let kind = fields.choice("kind", &kinds, None);
        let adp = fields.need_whole("adp", 0..=ADP_MAX, 212);
        let adp_year = fields.whole("adp_year", YEARS).and_then(|year| u16::try_from(year).ok());
        let state = fields.need_checked("state", "CO", state);
        let timezone = fields.need_checked("timezone", "America/Denver", check_timezone);
        let recording = recording(fields);
        let downs =
            [("place_unrecorded", RegistryDown::PlaceUnrecorded), ("refuse", RegistryDown::Refuse)];
        let registry_down =
            fields.choice("registry_down", &downs, Some(RegistryDown::PlaceUnrecorded));
        let minutes =
            fields.whole("talk_minutes_max", 1..=TALK_MINUTES_MAX).unwrap_or(TALK_MINUTES_DEFAULT);
        let relay_minutes = fields
            .whole("relay_minutes_max", minutes..=TALK_MINUTES_MAX * RELAY_FACTOR)
            .unwrap_or(minutes * RELAY_FACTOR);
        let disks = [("refuse", DiskFull::Refuse), ("place_unrecorded", DiskFull::PlaceUnrecorded)];
        let disk_full = fields.choice("disk_full", &disks, Some(DiskFull::Refuse));
        let allowed_only = fields.flag("allowed_only", false);
        let caller_id = fields.need_checked("caller_id", "+1 202 555 0100", check_caller_id);
        let called = called_choices(fields);
        let recorded_names = fields.flag("recorded_names", false);
        let rate = read_rate(fields);
        let adp = adp.and_then(|adp| u32::try_from(adp).ok());
        let site = match (kind, adp, state) {
            (Some(kind), Some(adp), Some(state)) => Some(Site { kind, adp, state }),
            (_, _, _) => None,
        };
        if let (Some(rate), Some(site)) = (rate, site)
            && let Err(unlawful) = LawfulRate::prove(rate, site, now, caps)
        {
            fields.wrong_at("rate", format!("`rate`: {unlawful}"));
        }
        Some(Facility {
            agency: agency?.to_owned(),
            key: key?,
            name: name?,
            site: site?,
            adp_year,
            timezone: timezone?.to_owned(),
            recording: recording?,
            registry_down: registry_down?,
            talk_max: Duration::from_secs(60 * minutes.unsigned_abs()),
            relay_talk_max: Duration::from_secs(60 * relay_minutes.unsigned_abs()),
            disk_full: disk_full?,
            allowed_only,
            base_per_minute: rate?.base_per_minute,
            additive_per_minute: rate?.additive_per_minute,
            caller_id: caller_id?,
            called: called?,
            recorded_names,
        })
    }

    fn unit(&mut self, fields: &mut Fields<'_, '_>) -> Option<Unit> {
        let facility = reference(&self.facilities, "facility", "cedar/jail", fields);
        let key = own_key("a", facility, fields);
        if let Some(key) = &key {
            first(&mut self.units, key, "unit", fields);
        }
        let name = match fields.text("name") {
            None => key.as_ref()?.rsplit('/').next()?.to_owned(),
            Some(name) => {
                if let Err(reason) = check_name(name) {
                    fields.wrong_at("name", reason);
                }
                name.to_owned()
            }
        };
        Some(Unit { facility: facility?.to_owned(), key: key?, name })
    }

    fn station(&mut self, fields: &mut Fields<'_, '_>) -> Option<Station> {
        let unit = reference(&self.units, "unit", "cedar/jail/a", fields);
        let key = own_key("1", unit, fields);
        let removed = fields.flag("removed", false);
        let access = access(fields);
        let (caller, dialling) = calling(fields);
        if let Some(key) = &key {
            first(&mut self.stations, key, "station", fields);
        }
        let unit = unit?.to_owned();
        let station = Station { unit, key: key?, access: access?, caller, dialling, removed };
        self.tell_apart(&station, fields);
        Some(station)
    }

    fn gateway(&mut self, fields: &mut Fields<'_, '_>) -> Vec<Station> {
        let unit = reference(&self.units, "unit", "cedar/jail/b", fields);
        let removed = fields.flag("removed", false);
        let address =
            fields.need_checked("address", "192.0.2.20:5060", |text| address(text, ANY_PORT));
        let lines = lines(fields);
        let (caller, dialling) = calling(fields);
        let (Some(unit), Some(address)) = (unit, address) else { return Vec::new() };
        let mut stations = Vec::new();
        for line in lines {
            let key = format!("{unit}/{line}");
            first(&mut self.stations, &key, "station", fields);
            let access = StationAccess::Source { address, user: Some(line) };
            let (unit, caller, dialling) = (unit.to_owned(), caller.clone(), dialling.clone());
            let station = Station { unit, key, access, caller, dialling, removed };
            self.tell_apart(&station, fields);
            stations.push(station);
        }
        stations
    }

    /// Two stations in service whose calls look the same would be one.
    fn tell_apart(&mut self, station: &Station, fields: &mut Fields<'_, '_>) {
        if station.removed {
            return;
        }
        let sign = match &station.access {
            StationAccess::Source { address, user } => (Some(*address), user.clone()),
            StationAccess::Digest { user, .. } => (None, Some(user.clone())),
        };
        let line = fields.line();
        if let Some(other) = self.signs.get(&sign).copied().filter(|other| *other != line) {
            fields.wrong(format!(
                "the station on line {other} has the same address or digest user; \
                 give each station its own"
            ));
        }
        self.signs.entry(sign).or_insert(line);
    }
}

/// The path of something by its own key within `parent`, a path.
fn own_key(example: &str, parent: Option<&str>, fields: &mut Fields<'_, '_>) -> Option<String> {
    let key = fields.need_checked("key", example, |text| check_key(text).map(|()| text))?;
    Some(format!("{}/{key}", parent?))
}

/// A path that must stand in the file.
fn reference<'a>(
    known: &BTreeMap<String, u64>,
    kind: &'static str,
    example: &str,
    fields: &mut Fields<'a, '_>,
) -> Option<&'a str> {
    let path = fields.need(kind, example)?;
    if !known.contains_key(path) {
        let meant = meant(path, known.keys().map(String::as_str));
        fields.wrong_at(kind, format!("there is no {kind} `{path}` in this file{meant}"));
        return None;
    }
    Some(path)
}

/// Says so when a path stands twice.
fn first(
    seen: &mut BTreeMap<String, u64>,
    path: &str,
    kind: &'static str,
    fields: &mut Fields<'_, '_>,
) {
    let line = fields.line();
    match seen.get(path) {
        Some(other) => {
            fields
                .wrong(format!("the {kind} `{path}` stands on line {other} too; keep one of them"));
        }
        None => {
            seen.insert(path.to_owned(), line);
        }
    }
}

/// `"on"` or `"off"`; TOML's own words are understood too.
fn recording(fields: &mut Fields<'_, '_>) -> Option<bool> {
    if let Some(flag) = fields.value("recording").and_then(|value| value.get_ref().as_bool()) {
        return Some(flag);
    }
    fields.choice("recording", &[("on", true), ("off", false)], None)
}

/// What called parties may choose; a file that does not say gives the defaults.
fn called_choices(fields: &mut Fields<'_, '_>) -> Option<CalledChoices> {
    let claims = fields.whole("private_claims_max", 0..=PRIVATE_CLAIMS_LIMIT);
    let scopes = [("facility", BlockScope::Facility), ("agency", BlockScope::Agency)];
    let block = fields.choice("block_scope", &scopes, Some(BlockScope::Facility));
    let drawn_key = fields.choice("accept_key", &[("1", false), ("drawn", true)], Some(false));
    let minutes = fields.whole("reminder_minutes", 0..=REMINDER_MINUTES_MAX).unwrap_or(0);
    let reminder_every = Duration::from_secs(60 * minutes.unsigned_abs());
    Some(CalledChoices {
        private_claims_max: claims
            .map_or(PRIVATE_CLAIMS_COUNT_MAX, |claims| u8::try_from(claims).unwrap_or(0)),
        block: block?,
        drawn_key: drawn_key?,
        reminder_every: (!reminder_every.is_zero()).then_some(reminder_every),
    })
}

fn check_timezone(text: &str) -> Result<&str, String> {
    // A machine without a time zone database cannot know; then any name of the right shape passes.
    let known = TimeZone::get(text).is_ok() || jiff::tz::db().is_definitively_empty();
    if text.contains('/') && known {
        Ok(text)
    } else {
        Err("write an IANA time zone such as `America/Denver`".to_owned())
    }
}

fn check_caller_id(text: &str) -> Result<E164, String> {
    let read = registry::normalise(text, registry::Home::NorthAmerica)
        .map_err(|reason| reason.to_string())?;
    match read.extension {
        None => Ok(read.number),
        Some(_) => Err("a caller number has no extension".to_owned()),
    }
}

fn read_rate(fields: &mut Fields<'_, '_>) -> Option<Rate> {
    let Some((table, at)) = fields.table("rate") else {
        if fields.value("rate").is_none() {
            fields.missing("rate", "{ base = \"0.06\", additive = \"0.00\" }");
        }
        return None;
    };
    let source = fields.source();
    let mut rate = Fields::new(source, table, at, "rate", fields.problems());
    let base = rate.dollars("base");
    if rate.value("base").is_none() {
        rate.missing("base", "\"0.06\"");
    }
    let additive = match rate.value("additive") {
        None => Some(Money::ZERO),
        Some(_) => rate.dollars("additive"),
    };
    rate.finish();
    Some(Rate { base_per_minute: base?, additive_per_minute: additive? })
}

/// Either an address or a digest account.
fn access(fields: &mut Fields<'_, '_>) -> Option<StationAccess> {
    let (address_given, digest) = (fields.value("address").is_some(), fields.value("digest"));
    match (address_given, digest.is_some()) {
        (true, false) => {
            let address =
                fields.need_checked("address", "192.0.2.10", |text| address(text, ANY_PORT))?;
            Some(StationAccess::Source { address, user: None })
        }
        (false, true) => read_digest(fields),
        (true, true) => {
            fields.wrong("`station` has both `address` and `digest`; keep one of them");
            None
        }
        (false, false) => {
            fields.missing(
                "address",
                "\"192.0.2.10\"` or `digest = { user = \"…\", password = \"…\" }",
            );
            None
        }
    }
}

fn read_digest(fields: &mut Fields<'_, '_>) -> Option<StationAccess> {
    let (table, at) = fields.table("digest")?;
    let source = fields.source();
    let mut digest = Fields::new(source, table, at, "digest", fields.problems());
    let user = digest.need_checked("user", "a-1", |text| check_key(text).map(|()| text));
    let password = digest.need_checked("password", "…", |text| {
        let long = text.chars().count() >= PASSWORD_CHARS_MIN;
        let why = format!(
            "use at least {PASSWORD_CHARS_MIN} characters; telephones on a network are guessed at"
        );
        if long { Ok(text) } else { Err(why) }
    });
    digest.finish();
    let (user, password) = (user?, password?);
    Some(StationAccess::Digest { user: user.to_owned(), ha1: line::ha1(user, REALM, password) })
}

/// Who calls from a station, and what is dialled there.
fn calling(fields: &mut Fields<'_, '_>) -> (StationCaller, Dialling) {
    let asks = fields.choice("pin", &[("ask", true), ("none", false)], Some(true));
    let person = fields.text("person").map(str::to_owned);
    let caller = match (asks.unwrap_or(true), person) {
        (true, None) => StationCaller::Pin,
        (false, None) => StationCaller::Nobody,
        (_, Some(person)) => {
            if let Err(reason) = check_id(&person) {
                fields.wrong_at("person", format!("`person`: {reason}"));
            }
            if fields.value("pin").is_some() {
                fields.wrong("`person` and `pin` exclude each other; keep one of them");
            }
            StationCaller::Person(Private::new(person))
        }
    };
    let en_bloc = fields.choice("dialling", &[("menu", false), ("en_bloc", true)], Some(false));
    let hotline = fields.table("hotline").is_some().then(|| hotline(fields)).flatten();
    if fields.value("hotline").is_some() && fields.value("dialling").is_some() {
        fields.wrong("`hotline` and `dialling` exclude each other; keep one of them");
    }
    let typed = if en_bloc == Some(true) { Dialling::EnBloc } else { Dialling::Menu };
    (caller, hotline.map_or(typed, Dialling::Hotline))
}

fn hotline(fields: &mut Fields<'_, '_>) -> Option<Hotline> {
    let (table, at) = fields.table("hotline")?;
    let source = fields.source();
    let mut hotline = Fields::new(source, table, at, "hotline", fields.problems());
    let number = hotline.need_checked("number", "202-555-0150", check_hotline);
    let free = hotline.flag("free", false);
    let choices = [("standard", true), ("off", false)];
    let recording = hotline.choice("recording", &choices, Some(true));
    hotline.finish();
    Some(Hotline { dialled: Private::new(number?), free, recording: recording? })
}

/// The keys that a hotline dials: a number in any usual form, or a short code such as `988`.
fn check_hotline(text: &str) -> Result<String, String> {
    match Dialled::from_keys(text, Home::NorthAmerica) {
        Dialled::Service(code) => return Ok(code.keys()),
        Dialled::Emergency => return Err("emergency calls are refused; staff help".to_owned()),
        Dialled::Number(_) | Dialled::Invalid => {}
    }
    let read = normalise(text, Home::NorthAmerica).map_err(|reason| reason.to_string())?;
    match read.extension {
        None => Ok(format!("011{}", read.number.digits())),
        Some(_) => Err("a hotline dials no extension".to_owned()),
    }
}

/// The lines of a gateway, by name or by number.
fn lines(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let named = fields.list("lines");
    let count = fields.whole("line_count", 1..=LINES_COUNT_MAX);
    match (fields.value("lines").is_some(), fields.value("line_count").is_some()) {
        (true, false) => {}
        (false, true) => {
            return (1..=count.unwrap_or(0)).map(|line| format!("line-{line}")).collect();
        }
        (true, true) => {
            fields.wrong("`gateway` has both `lines` and `line_count`; keep one of them");
            return Vec::new();
        }
        (false, false) => {
            fields.missing("lines", "[\"line-1\", \"line-2\"]");
            return Vec::new();
        }
    }
    let mut names = Vec::new();
    for (name, at) in named.unwrap_or_default() {
        match check_key(name) {
            Ok(()) => names.push(name.to_owned()),
            Err(reason) => {
                let problem = fields.source().problem(&at, format!("`lines`: {reason}"));
                fields.problems().add(problem);
            }
        }
    }
    names
}

/// A station's port that stands for any.
const ANY_PORT: u16 = 0;

/// Realm of the telephones' digest accounts (RFC 3261 section 22.1); stored hashes depend on it.
const REALM: &str = "parlatory";
