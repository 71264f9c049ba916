//! `parlatory doctor`: what is ready, what is missing, what to do.

mod disclosure;
mod journal;
mod log;
mod retention;

use std::{fs, io::ErrorKind, net::UdpSocket, os::unix::fs::PermissionsExt, path::Path};

use ::disclosure::roster::AlarmCounts;
use anyhow::{Result, bail};
use charging::{CapTable, Rate, tariff::LawfulRate};
use desk::{OCTETS_PER_RECORDED_HOUR, Space};
use line::{IdentityConfig, Standing};
use media::Pack;
use model::{Timestamp, plan::Configuration};
use retention::Retained;
use rustix::fs::statvfs;
use serde::Serialize;
use store::{HeardCounts, JITTER_MAX_MICROS, LOSS_ONE_IN};

use crate::{
    cli::DoctorArgs,
    clock::clock,
    config::{Config, Encrypted, Trunk},
    data::Data,
    files::{self, Room},
    memory::{self, Locking},
    node::{read_evidence_keys, read_keyholders, read_pin_key},
    print::line,
};

/// Looks at everything a node needs.
pub(crate) fn run(args: &DoctorArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let findings = examine(&data, clock().now());
    if args.json {
        line(&serde_json::to_string_pretty(&findings)?);
    } else {
        for Finding { grade, about, says } in &findings {
            line(&format!("  {:<8} {about:<12} {says}", grade.label()));
        }
    }
    let problems = findings.iter().filter(|finding| finding.grade == Grade::Problem).count();
    if problems > 0 {
        bail!("{problems} of {} findings must be mended before calls can be taken", findings.len());
    }
    Ok(())
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    grade: Grade,
    about: &'static str,
    says: String,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    /// In order.
    Ok,
    /// Works, but somebody should know.
    Know,
    /// Must be mended.
    Problem,
}

impl Grade {
    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Know => "know",
            Self::Problem => "PROBLEM",
        }
    }
}

fn examine(data: &Data, now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings::default();
    let config = findings.settings(data, now);
    findings.folder(data.root());
    findings.keys(data);
    findings.log(data, config.as_ref(), now);
    findings.journal(data, now);
    findings.prompts();
    findings.disk(data.root());
    findings.memory();
    findings.files(config.as_ref());
    findings.store(data, config.as_ref(), now);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { grade: Grade::Ok, about, says: says.into() });
    }

    fn know(&mut self, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { grade: Grade::Know, about, says: says.into() });
    }

    fn problem(&mut self, about: &'static str, says: impl Into<String>) {
        self.0.push(Finding { grade: Grade::Problem, about, says: says.into() });
    }

    fn settings(&mut self, data: &Data, now: Timestamp) -> Option<Config> {
        match Config::read(&data.config()) {
            Err(error) => self.problem("settings", format!("{error:#}")),
            Ok(config) => {
                self.ok("settings", format!("SIP on udp {}", config.sip.listen));
                if let Some(says) = config.calls.says() {
                    self.ok("settings", says);
                }
                self.ports(&config);
                self.network(&config, data.root(), now);
                self.wire(&config);
                self.console(&config, data.root());
                self.disclosure(data, &config);
                return Some(config);
            }
        }
        None
    }

    /// TCP, TLS, trunks and signatures: everything that can be seen without calling anybody.
    fn network(&mut self, config: &Config, folder: &Path, now: Timestamp) {
        let network = match config.network(folder) {
            Ok(network) => network,
            Err(error) => return self.problem("trunks", format!("{error:#}")),
        };
        if let Some(tcp) = network.tcp {
            self.ok("tcp", format!("SIP on tcp {tcp}"));
        }
        if let Some(tls) = &network.tls {
            match tls.files.check() {
                Ok(()) => self.ok("tls", format!("SIP on tls {}", tls.address)),
                Err(error) => self.problem("tls", error.to_string()),
            }
        }
        match network.identity.as_ref().map(IdentityConfig::check) {
            None => {}
            Some(Err(error)) => self.problem("identity", error.to_string()),
            Some(Ok(term)) => self.term(term.standing(now)),
        }
        for (trunk, settings) in network.trunks.iter().zip(&config.trunks) {
            match trunk.tls.as_ref().map_or(Ok(()), line::TlsPeer::check) {
                Ok(()) => self.ok("trunk", settings.says()),
                Err(error) => self.problem("trunk", format!("{}: {error}", trunk.id.0)),
            }
        }
    }

    /// How long calls can still be signed.
    fn term(&mut self, standing: Standing) {
        match standing {
            Standing::Good { .. } => self.ok("identity", standing.says()),
            Standing::Ending { .. } => self.know("identity", standing.says()),
            Standing::Early | Standing::Over { .. } => self.problem("identity", standing.says()),
        }
    }

    fn ports(&mut self, config: &Config) {
        match UdpSocket::bind(config.sip.listen) {
            Ok(_) => self.ok("port", "nothing else uses the SIP port"),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                self.know("port", "something uses the SIP port: a node may be running on it");
            }
            Err(error) => {
                let address = config.sip.listen;
                self.problem("port", format!("`sip.listen` = `{address}` cannot be had: {error}"));
            }
        }
        if let Err(error) = UdpSocket::bind((config.media.address, 0)) {
            let address = config.media.address;
            self.problem("audio", format!("`media.address` = `{address}` cannot be had: {error}"));
        }
    }

    fn folder(&mut self, root: &Path) {
        match fs::metadata(root).map(|found| found.permissions().mode() & 0o077) {
            Ok(0) => self.ok("folder", "readable by its owner alone"),
            Ok(_) => self.problem(
                "folder",
                format!("others can read `{0}`: run `chmod 700 {0}`", root.display()),
            ),
            Err(error) => self.problem("folder", error.to_string()),
        }
    }

    fn keys(&mut self, data: &Data) {
        match read_pin_key(data) {
            Ok(_) => self.ok("keys", "the key of the PIN hash is there"),
            Err(error) => self.problem("keys", format!("{error:#}")),
        }
        match data.column_keys() {
            Ok(_) => self.ok("keys", "the key of what the node keeps at rest is there"),
            Err(error) => self.problem("keys", format!("{error:#}")),
        }
        match read_evidence_keys(data) {
            Ok(_) => self.ok("keys", "the keys of the log's entries are there"),
            Err(error) => self.problem("keys", format!("{error:#}")),
        }
        if let Err(error) = read_keyholders(data) {
            self.problem("keyholders", format!("{error:#}"));
        }
    }

    fn prompts(&mut self) {
        match Pack::builtin() {
            Ok(_) => self.ok("prompts", "English and Spanish are complete"),
            Err(error) => self.problem("prompts", error.to_string()),
        }
    }

    fn disk(&mut self, root: &Path) {
        match statvfs(root) {
            Err(error) => self.problem("disk", error.to_string()),
            Ok(found) => {
                let octets = |blocks: u64| blocks.saturating_mul(found.f_frsize);
                self.space(octets(found.f_bavail), octets(found.f_blocks));
            }
        }
    }

    /// Steps at the same places as the node's own log.
    fn space(&mut self, free: u64, all: u64) {
        let percent = free.saturating_mul(100) / all.max(1);
        let hours = free / OCTETS_PER_RECORDED_HOUR;
        let says = format!("{percent} % free, room for {hours} hours of recorded calls");
        match Space::of(free, all) {
            Space::Ample => self.ok("disk", says),
            Space::Below20 => self.know("disk", says),
            Space::Below10 => self.know("disk", format!("{says}: make room")),
            // Calls are taken and recorded until the reserve is all that is left.
            Space::Below5 => self.know("disk", format!("{says}: make room now")),
            Space::Full => self.problem(
                "disk",
                format!(
                    "{says}: nothing is recorded, and calls go as each facility chose; make room"
                ),
            ),
        }
    }

    fn memory(&mut self) {
        let locking = memory::foreseen();
        match locking {
            Locking::Locked => self.ok("memory", locking.says()),
            Locking::Limited(_) | Locking::Refused(_) => self.know("memory", locking.says()),
        }
    }

    fn files(&mut self, config: Option<&Config>) {
        let Some(config) = config else { return };
        let room = files::foreseen(config.limits.calls_max);
        match room {
            Room::Enough => self.ok("files", room.says()),
            Room::Calls { .. } => self.problem("files", room.says()),
        }
    }

    fn store(&mut self, data: &Data, config: Option<&Config>, now: Timestamp) {
        let read = data.open_store().and_then(|store| {
            let week = Timestamp::from_micros(now.micros().saturating_sub(WEEK_MICROS));
            let counts = (AlarmCounts::read(&store, now)?, store.heard(week)?);
            Ok((store.configuration()?, counts, Retained::read(&store)?))
        });
        match read {
            Err(error) => self.problem("store", format!("{error:#}")),
            Ok((configuration, ..)) if configuration.facilities.is_empty() => {
                self.problem("facilities", "none: run `parlatory provision FILE`");
            }
            Ok((configuration, (alarms, heard), retained)) => {
                let (stations, people) = (configuration.stations.len(), configuration.people.len());
                self.ok(
                    "store",
                    format!(
                        "version {}: {} facilities, {stations} stations, {people} people",
                        configuration.version,
                        configuration.facilities.len()
                    ),
                );
                self.registry(&configuration);
                self.trunk(&configuration, config.map_or(0, |config| config.trunks.len()));
                match data.caps() {
                    Ok(caps) => self.rates(&configuration, &caps, now),
                    Err(error) => self.problem("rates", format!("{error:#}")),
                }
                self.alarms(&alarms);
                self.heard(heard);
                self.retention(&retained, now);
            }
        }
    }

    /// How the calls of a week were heard, where there were any.
    fn heard(&mut self, HeardCounts { legs, lossy, uneven }: HeardCounts) {
        let percent = 100 / LOSS_ONE_IN;
        let says = format!(
            "of {legs} legs in seven days, {lossy} lost more than {percent} % of their packets and \
             {uneven} had them more than {} ms uneven",
            JITTER_MAX_MICROS / 1_000
        );
        match (legs, lossy + uneven) {
            (0, _) => {}
            (_, 0) => self.ok("heard", says),
            (_, _) => self.know("heard", says),
        }
    }

    /// What somebody should look at about staff, counted and with nobody's name.
    fn alarms(&mut self, counts: &AlarmCounts) {
        let AlarmCounts {
            drips,
            over_cap,
            cap_tries,
            hook_failures,
            glasses_open,
            glasses_overdue,
            locked,
            waiting,
        } = *counts;
        if hook_failures > 0 {
            let text = format!(
                "those on call could not be told {hook_failures} times this week that something \
                 waits: see the node's log, and `disclosure.hook` in the settings"
            );
            self.problem("on call", text);
        }
        if glasses_overdue > 0 {
            let text = format!(
                "{glasses_overdue} broken glasses were not reviewed in time, so whoever broke them is \
                 suspended: `parlatory glass list`"
            );
            self.problem("staff", text);
        }
        let known = [
            (glasses_open - glasses_overdue.min(glasses_open), "broken glasses to be reviewed"),
            (drips, "days of this week on which somebody saw more and more"),
            (over_cap, "days of this week on which somebody saw more than the cap"),
            (cap_tries, "tries of this week to see more than a cap"),
            (locked, "log-ins locked by failed tries"),
            (waiting, "requests that wait for a second person"),
        ];
        for (count, what) in known.into_iter().filter(|(count, _)| *count > 0) {
            self.know("staff", format!("{count} {what}: `parlatory access review` says whose"));
        }
        if *counts == AlarmCounts::default() {
            self.ok("staff", "no alarm, and nothing waits for a second person");
        }
    }

    fn registry(&mut self, configuration: &Configuration) {
        let registry = &configuration.registry;
        if registry.epoch.0 == 0 {
            self.problem(
                "registry",
                "no protected numbers were ever loaded, so nothing will be recorded: provision them, \
                 even an empty table",
            );
        } else {
            let (epoch, count) = (registry.epoch.0, registry.numbers.len());
            self.ok("registry", format!("epoch {epoch}: {count} protected numbers"));
        }
    }

    /// The provisioned trunk, which counts only where the settings name none.
    fn trunk(&mut self, configuration: &Configuration, named: usize) {
        match &configuration.trunk {
            Some(_) if named > 0 => {
                self.know(
                    "trunk",
                    "the provisioned one is not used: `parlatory.toml` names its own",
                );
            }
            Some(trunk) => self.ok("trunk", format!("0 goes out to udp {}", trunk.address)),
            None if named > 0 => {}
            None => self.problem(
                "trunk",
                "none: add `[[trunks]]` to `parlatory.toml` or `[trunk]` to the provision file",
            ),
        }
    }

    fn rates(&mut self, configuration: &Configuration, caps: &CapTable, now: Timestamp) {
        for facility in &configuration.facilities {
            let rate = Rate {
                base_per_minute: facility.base_per_minute,
                additive_per_minute: facility.additive_per_minute,
            };
            let key = &facility.key;
            match LawfulRate::prove(rate, facility.site, now, caps) {
                Ok(_) => self.ok("rates", format!("`{key}`: within every cap in force")),
                Err(unlawful) => self.problem("rates", format!("`{key}`: {unlawful}")),
            }
            let open = caps.in_force(facility.site, now).find(|cap| cap.is_open_question());
            if let Some(cap) = open {
                self.know(
                    "rates",
                    format!("`{key}`: {} ({}): {}", cap.order, cap.source, cap.note),
                );
            }
        }
    }

    /// Where somebody on the way could listen.
    fn wire(&mut self, config: &Config) {
        let stations = config.sip.encryption == Encrypted::Required;
        let trunks = !config.trunks.is_empty() && config.trunks.iter().all(Trunk::is_private);
        let open = match (stations, trunks) {
            (true, true) => return self.ok("audio", "encrypted to stations and trunks"),
            (true, false) => "trunks",
            (false, true) => "stations",
            (false, false) => "stations and trunks",
        };
        self.know(
            "audio",
            format!(
                "calls to {open} can go over the wire in clear: keep them on a network of their own, \
                 or set `encryption` = \"required\" and TLS"
            ),
        );
    }
}

const WEEK_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_is_to_be_known_and_one_that_ended_is_a_problem() {
        for (standing, grade) in [
            (Standing::Good { days: 30 }, Grade::Ok),
            (Standing::Ending { days: 29 }, Grade::Know),
            (Standing::Over { days: 0 }, Grade::Problem),
            (Standing::Early, Grade::Problem),
        ] {
            let mut findings = Findings::default();
            findings.term(standing);
            let [Finding { grade: found, about: "identity", says }] = findings.0.as_slice() else {
                panic!("one finding about the certificate");
            };
            assert!(*found == grade && says.contains("certificate"), "{says}");
        }
    }

    #[test]
    fn the_disk_is_told_at_20_10_and_5_percent_and_when_only_the_reserve_is_left() {
        let gib = 1_u64 << 30;
        for (free, all, grade, ends) in [
            (20 * gib, 100 * gib, Grade::Ok, "recorded calls"),
            (19 * gib, 100 * gib, Grade::Know, "recorded calls"),
            (9 * gib, 100 * gib, Grade::Know, ": make room"),
            (4 * gib, 100 * gib, Grade::Know, ": make room now"),
            (1 << 20, gib, Grade::Problem, "as each facility chose; make room"),
        ] {
            let mut findings = Findings::default();
            findings.space(free, all);
            let [Finding { grade: found, about: "disk", says }] = findings.0.as_slice() else {
                panic!("one finding about the disk");
            };
            assert!(*found == grade && says.ends_with(ends), "{free} of {all}: {says}");
        }
    }
}
