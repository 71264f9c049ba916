//! Addresses as SIP writes them: `"name" <sip:user@host:port;params>;header-params` (RFC 3261
//! section 20.10 and 25.1). URIs stay text: what the other end wrote goes back exactly as it was,
//! since a re-encoded Contact would no longer be its own.

use core::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// The URI inside a From, To, Contact or route value.
pub(crate) fn uri(value: &str) -> &str {
    let (uri, _) = split(value);
    uri
}

/// A parameter of the header itself, such as `tag` or `expires`, not of its URI.
pub(crate) fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let (_, parameters) = split(value);
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The values of a comma-separated header such as Record-Route or Contact.
pub(crate) fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut angled = false;
    value
        .split(move |c: char| {
            match c {
                '"' if !angled => quoted = !quoted,
                '<' if !quoted => angled = true,
                '>' if !quoted => angled = false,
                _ => {}
            }
            c == ',' && !quoted && !angled
        })
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// The scheme of a URI, as written.
pub(crate) fn scheme(uri: &str) -> &str {
    uri.split_once(':').map_or("", |(scheme, _)| scheme)
}

/// The user part of a SIP URI without its parameters and password, percent-decoded; empty when
/// there is none.
pub(crate) fn user(uri: &str) -> String {
    let Some((_, rest)) = uri.split_once(':') else { return String::new() };
    let Some((user, _)) = rest.split_once('@') else { return String::new() };
    let user = user.split([';', ':']).next().unwrap_or("");
    decode(user)
}

/// The address of a URI whose host is an IP address; port 5060 where it names none (RFC 3261
/// section 19.1.2).
pub(crate) fn socket(uri: &str) -> Option<SocketAddr> {
    let (_, rest) = uri.split_once(':')?;
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    let host = host.split([';', '?']).next()?.trim();
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, PORT));
    }
    host.parse().ok()
}

/// Where requests within a dialog go: to the host that really sent the datagram, at the port that
/// it names for itself when it names that host, else where the datagram came from. So no message
/// can make us send to a third party, and a telephone behind a NAT is reached.
pub(crate) fn next_hop(uri: &str, source: SocketAddr) -> SocketAddr {
    socket(uri).filter(|named| named.ip() == source.ip() && named.port() != 0).unwrap_or(source)
}

/// Whether `uri` can stand in a request line and in angle brackets without being read as anything
/// else.
pub(crate) fn is_plain(uri: &str) -> bool {
    let sip = scheme(uri).eq_ignore_ascii_case("sip");
    sip && uri.len() <= URI_MAX_OCTETS
        && uri.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"\\".contains(&b))
}

/// `text` as the user part of a URI.
pub(crate) fn encode_user(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (octet, after) = escaped.unwrap_or((*first, tail));
        octets.push(octet);
        rest = after;
    }
    String::from_utf8_lossy(&octets).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Splits into URI and header parameters. Without angle brackets everything after the first `;`
/// belongs to the header (RFC 3261 section 20.10).
fn split(value: &str) -> (&str, &str) {
    let mut quoted = false;
    let opening = value.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '<' && !quoted
    });
    let Some((at, _)) = opening else {
        return value.trim().split_once(';').unwrap_or((value.trim(), ""));
    };
    let inside = value.get(at + 1..).unwrap_or("");
    inside.split_once('>').unwrap_or((inside, ""))
}

/// The port of SIP over UDP and TCP.
const PORT: u16 = 5060;
/// Longest URI of the other end that we repeat.
const URI_MAX_OCTETS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_come_apart() {
        let value =
            "\"A <b>; \" <sip:12%2A%23;phone-context=x@127.0.0.1:5062;user=phone>;tag=abc;q=1";
        assert_eq!(uri(value), "sip:12%2A%23;phone-context=x@127.0.0.1:5062;user=phone");
        assert_eq!(parameter(value, "Tag"), Some("abc"));
        assert_eq!(parameter(value, "user"), None);
        assert_eq!(user(uri(value)), "12*#");
        assert_eq!(socket(uri(value)), Some("127.0.0.1:5062".parse().unwrap()));

        assert_eq!(parameter("sip:a@b;tag=1", "tag"), Some("1"));
        assert_eq!(uri("sip:a@b;tag=1"), "sip:a@b");
        assert_eq!(user("sip:host"), "");
        assert_eq!(user("tel:+12025550142"), "");
        assert_eq!(user("sip:+12025550142:secret@host"), "+12025550142");
        assert_eq!(socket("sip:[::1]:5070"), Some("[::1]:5070".parse().unwrap()));
        assert_eq!(socket("sip:[::1]"), Some("[::1]:5060".parse().unwrap()));
        assert_eq!(socket("sip:phone.example"), None);
        assert_eq!(socket("sip:10.0.0.1;lr"), Some("10.0.0.1:5060".parse().unwrap()));
    }

    #[test]
    fn lists_split_outside_quotes_and_brackets() {
        let value = "<sip:a,b@h;lr>, \"x, y\" <sip:c@h>,, <sip:d@h>";
        let parts: Vec<_> = list(value).collect();
        assert_eq!(parts, ["<sip:a,b@h;lr>", "\"x, y\" <sip:c@h>", "<sip:d@h>"]);
    }

    #[test]
    fn requests_stay_with_the_host_that_sent() {
        let source = "192.0.2.7:40000".parse().unwrap();
        for (contact, hop) in [
            ("sip:p@192.0.2.7:5061", "192.0.2.7:5061"),
            ("sip:p@192.0.2.7", "192.0.2.7:5060"),
            ("sip:p@10.0.0.9:5061", "192.0.2.7:40000"),
            ("sip:p@victim.example", "192.0.2.7:40000"),
            ("sip:p@192.0.2.7:0", "192.0.2.7:40000"),
        ] {
            assert_eq!(next_hop(contact, source), hop.parse().unwrap(), "{contact}");
        }
    }

    proptest! {
        #[test]
        fn users_survive(name in "\\PC{0,20}") {
            let uri = format!("sip:{}@host", encode_user(&name));
            prop_assert_eq!(user(&uri), name);
        }

        #[test]
        fn anything_is_survived(value in "\\PC{0,60}") {
            let _ = (uri(&value).len(), parameter(&value, "tag"), user(&value), socket(&value));
            let _ = list(&value).count();
        }
    }
}
