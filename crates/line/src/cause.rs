//! Why a call failed, where the network behind a carrier's gateway says so: the Reason header of a
//! response with a cause of ITU-T Q.850 (RFC 3326).
//!
//! Gateways put very different things into one SIP status, such as 480, 500 or 503; the cause says
//! what the network said.

use rsipstack::sip::Header;

/// What the network said of a call that failed. Causes that say nothing of the kind, such as normal
/// clearing (16) or normal, unspecified (31), are none: then the status decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// 1 unallocated number, 22 number changed, 28 invalid number format.
    Unallocated,
    /// 17 user busy.
    Busy,
    /// 18 no user responding, 19 no answer from user, 20 subscriber absent.
    NoAnswer,
    /// 21 call rejected.
    Declined,
    /// The network could not: 2 and 3 no route, 27 destination out of order, 34 no circuit, 38
    /// network out of order, 41 temporary failure, 42 congestion, 43, 44 and 47 no resource.
    Network,
}

impl Cause {
    /// What the first Reason that names Q.850 says.
    pub(crate) fn of(headers: &[Header]) -> Option<Self> {
        let reasons = headers.iter().filter(|header| header.name().eq_ignore_ascii_case("Reason"));
        let found = reasons.flat_map(|header| parts(header.value(), ',')).find_map(value_of);
        found.and_then(Self::of_value)
    }

    /// Whether it is about the called party and their number, so that another trunk would not do
    /// any better.
    pub(crate) const fn is_of_called(self) -> bool {
        match self {
            Self::Unallocated | Self::Busy | Self::NoAnswer | Self::Declined => true,
            Self::Network => false,
        }
    }

    const fn of_value(value: u8) -> Option<Self> {
        match value {
            1 | 22 | 28 => Some(Self::Unallocated),
            17 => Some(Self::Busy),
            18..=20 => Some(Self::NoAnswer),
            21 => Some(Self::Declined),
            2 | 3 | 27 | 34 | 38 | 41..=44 | 47 => Some(Self::Network),
            _ => None,
        }
    }
}

/// The cause of a reason, if it is one of Q.850 (RFC 3326 section 2).
fn value_of(reason: &str) -> Option<u8> {
    let mut parts = parts(reason, ';');
    if !parts.next()?.trim().eq_ignore_ascii_case("Q.850") {
        return None;
    }
    let cause = |part: &str| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("cause").then(|| value.trim().parse().ok()).flatten()
    };
    parts.find_map(cause)
}

/// The parts of a value, split where the separator stands outside of quotes.
fn parts(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c: char| {
        match c {
            _ if escaped => {
                escaped = false;
                return false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsipstack::sip::Response;

    fn cause(header: &str) -> Option<Cause> {
        let text = format!(
            "SIP/2.0 500 Server Error\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.1>;tag=2\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\n{header}Content-Length: 0\r\n\r\n"
        );
        let response = Response::try_from(text.as_bytes()).unwrap();
        Cause::of(&response.headers.0)
    }

    #[test]
    fn the_cause_of_the_network_is_found_among_reasons() {
        for (header, expected) in [
            ("", None),
            ("Reason: Q.850;cause=17;text=\"User busy\"\r\n", Some(Cause::Busy)),
            ("Reason: Q.850 ;cause=1\r\n", Some(Cause::Unallocated)),
            ("reason: q.850; CAUSE = 19\r\n", Some(Cause::NoAnswer)),
            ("Reason: SIP;cause=486\r\n", None),
            ("Reason: SIP;cause=503, Q.850;cause=21\r\n", Some(Cause::Declined)),
            ("Reason: SIP;cause=503\r\nReason: Q.850;cause=34\r\n", Some(Cause::Network)),
            // What stands in quotes is a text, whatever it looks like.
            ("Reason: Q.850;text=\"x;cause=1, Q.850;cause=21\";cause=17\r\n", Some(Cause::Busy)),
            ("Reason: Q.850;text=\"a \\\"b\\\";cause=1\";cause=17\r\n", Some(Cause::Busy)),
            ("Reason: SIP;text=\", Q.850;cause=17\"\r\n", None),
            ("Reason: Q.850;cause=16\r\n", None),
            ("Reason: Q.850;cause=31;text=\"Normal\"\r\n", None),
            ("Reason: Q.850;cause=273\r\n", None),
            ("Reason: Q.850;cause=-1\r\n", None),
            ("Reason: Q.850;cause=\r\n", None),
            ("Reason: Q.850\r\n", None),
        ] {
            assert_eq!(cause(header), expected, "{header}");
        }
    }

    #[test]
    fn every_value_means_what_the_list_says() {
        use Cause::{Busy, Declined, Network, NoAnswer, Unallocated};
        let known = [
            (Unallocated, &[1, 22, 28][..]),
            (Busy, &[17]),
            (NoAnswer, &[18, 19, 20]),
            (Declined, &[21]),
            (Network, &[2, 3, 27, 34, 38, 41, 42, 43, 44, 47]),
        ];
        for value in 0..=u8::MAX {
            let expected = known.iter().find(|(_, values)| values.contains(&value));
            assert_eq!(Cause::of_value(value), expected.map(|(cause, _)| *cause), "{value}");
        }
    }
}
