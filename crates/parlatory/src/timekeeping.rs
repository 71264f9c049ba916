//! How right the machine's clock is, as far as whoever keeps it can say. It reads no clock.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

use export::Clock;

/// How right the machine's clock is, as far as whoever keeps it can say: chrony, or else what the
/// kernel says of it through systemd. Local times are of `zone`. It takes some seconds at most.
pub(crate) fn measured(zone: String) -> Clock {
    let chrony = said("chronyc", &["-c", "-n", "tracking"]).and_then(|text| of_chrony(&text));
    let known = chrony
        .or_else(|| of_systemd(&said("timedatectl", &["show", "--property=NTPSynchronized"])?));
    let known = known.unwrap_or(Known {
        by: "neither chrony nor systemd could say anything",
        synchronised: None,
        offset_us: None,
        error_max_us: None,
    });
    Clock {
        source: format!("{SOURCE}; about that one, when this was packed, {}", known.by),
        synchronised: known.synchronised,
        offset_us: known.offset_us,
        error_max_us: known.error_max_us,
        zone,
    }
}

/// What somebody could say about a clock.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    by: &'static str,
    synchronised: Option<bool>,
    offset_us: Option<u64>,
    error_max_us: Option<u64>,
}

/// What `chronyc -c tracking` says: 14 fields, of which the fifth is how far the clock is off, the
/// eleventh and twelfth are root delay and root dispersion, in seconds, and the last is the state
/// of leap seconds. The clock is off by no more than its offset, the dispersion and half of the
/// delay together (chronyc(1)).
fn of_chrony(text: &str) -> Option<Known> {
    let fields: Vec<&str> = text.trim().split(',').collect();
    let [_, _, _, _, offset, _, _, _, _, _, delay, dispersion, _, leap] = fields.as_slice() else {
        return None;
    };
    let synchronised = *leap != "Not synchronised";
    let known = |value: u64| synchronised.then_some(value);
    let (offset, delay, dispersion) =
        (micros_of(offset)?, micros_of(delay)?, micros_of(dispersion)?);
    Some(Known {
        by: "chrony was asked",
        synchronised: Some(synchronised),
        offset_us: known(offset),
        error_max_us: known(offset.saturating_add(dispersion).saturating_add(delay.div_ceil(2))),
    })
}

/// What `timedatectl show` says: the kernel's own state, and no figure.
fn of_systemd(text: &str) -> Option<Known> {
    let synchronised = match text.trim().strip_prefix("NTPSynchronized=")? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some(Known {
        by: "the kernel was asked through systemd",
        synchronised: Some(synchronised),
        offset_us: None,
        error_max_us: None,
    })
}

/// Whole microseconds, rounded up, of decimal seconds with or without a sign.
fn micros_of(text: &str) -> Option<u64> {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digit = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || !digit(whole) || !digit(part) {
        return None;
    }
    let padded = format!("{part:0<6}");
    let (micros, rest) = padded.split_at_checked(6)?;
    let more = u64::from(rest.bytes().any(|digit| digit != b'0'));
    let whole = whole.parse::<u64>().ok()?.checked_mul(1_000_000)?;
    whole.checked_add(micros.parse::<u64>().ok()?)?.checked_add(more)
}

/// What a program says, when there is one, it says it soon, and it is short.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let answer = child.stdout.take()?;
    let (sender, receiver) = channel();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        let read = answer.take(ANSWER_OCTETS_MAX).read_to_string(&mut text);
        let _ = sender.send(read.is_ok().then_some(text));
    });
    let text = receiver.recv_timeout(PATIENCE).ok().flatten();
    // It ends by itself once nobody reads, or is ended.
    let _ = child.kill();
    let good = child.wait().is_ok_and(|status| status.success() || text.is_some());
    let _ = reading.join();
    text.filter(|_| good)
}

/// What the node's times follow, in words for whoever reads a package.
const SOURCE: &str =
    "the operating system's clock at the node's start, carried on by its monotonic clock";
/// How long a program that knows the clock is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Octets of what it says.
const ANSWER_OCTETS_MAX: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chrony_says_is_read_and_nothing_is_made_up() {
        let known = of_chrony(
            "C0000201,192.0.2.1,3,1795726800.123456789,-0.000012345,0.000001,0.000020,-1.5,0.001,\
             0.02,0.010000000,0.001000000,64.2,Normal\n",
        );
        let known = known.unwrap();
        assert_eq!((known.synchronised, known.offset_us), (Some(true), Some(13)));
        assert_eq!(known.error_max_us, Some(13 + 1_000 + 5_000));
        let lost = of_chrony(
            "7F7F0101,,0,0.000000000,0.000000000,0.0,0.0,0.0,0.0,0.0,1.000000000,1.000000000,0.0,\
             Not synchronised\n",
        );
        let lost = lost.unwrap();
        assert_eq!(
            (lost.synchronised, lost.offset_us, lost.error_max_us),
            (Some(false), None, None)
        );
        for bad in ["", "506 Cannot talk to daemon", "a,b,c,d,x,f,g,h,i,j,k,l,m,Normal"] {
            assert_eq!(of_chrony(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_the_kernel_says_has_no_figure() {
        let known = of_systemd("NTPSynchronized=yes\n").unwrap();
        assert_eq!((known.synchronised, known.offset_us), (Some(true), None));
        assert_eq!(of_systemd("NTPSynchronized=no").unwrap().synchronised, Some(false));
        assert_eq!(of_systemd("NTPSynchronized=perhaps"), None);
        assert_eq!(of_systemd("System has not been booted with systemd"), None);
    }

    #[test]
    fn seconds_are_rounded_up_to_microseconds() {
        for (text, micros) in [
            ("0.000000001", Some(1)),
            ("-0.000001", Some(1)),
            ("12.5", Some(12_500_000)),
            ("3", Some(3_000_000)),
            ("", None),
            ("1e-6", None),
            (".5", None),
        ] {
            assert_eq!(micros_of(text), micros, "{text}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_or_says_nothing_is_no_answer() {
        assert_eq!(said("/no/such/program", &[]), None);
        assert_eq!(said("/bin/sh", &["-c", "echo told"]).as_deref(), Some("told\n"));
        let measured = measured("UTC".to_owned());
        assert!(measured.source.starts_with(SOURCE), "{measured:?}");
    }
}
