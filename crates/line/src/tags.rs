//! Tags, branches and Call-IDs that nobody can guess: a keyed hash over a counter, so that the
//! system is asked for randomness once.

use core::fmt::Write;
use sha2::{Digest, Sha256};

/// Makes names.
pub(crate) struct Tags {
    key: [u8; 32],
    made: u64,
}

impl Tags {
    /// `key` is fresh randomness of the operating system.
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self { key, made: 0 }
    }

    /// A name that was never made before, 24 hexadecimal digits (RFC 3261 section 19.3 asks for 32
    /// random bits, these have 96).
    pub(crate) fn next(&mut self) -> String {
        self.made += 1;
        self.hash(b"next", &self.made.to_be_bytes())
    }

    /// A Via branch (RFC 3261 section 8.1.1.7).
    pub(crate) fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.next())
    }

    /// An octet that nobody can guess.
    pub(crate) fn chance(&mut self) -> u8 {
        let name = self.next();
        name.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0)
    }

    /// The same name for the same text: the To tag of a stateless response, which must not change
    /// when the request comes again (RFC 3261 section 8.2.7).
    pub(crate) fn of(&self, text: &str) -> String {
        self.hash(b"text", text.as_bytes())
    }

    /// The same print for the same request, and for no other that anybody can make.
    pub(crate) fn print(&self, request: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(b"print");
        hash.update(request);
        hash.finalize().into()
    }

    /// A key for another purpose.
    pub(crate) fn key(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(b"key ");
        hash.update(purpose);
        hash.finalize().into()
    }

    fn hash(&self, kind: &[u8; 4], value: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(kind);
        hash.update(value);
        let octets: [u8; 32] = hash.finalize().into();
        let mut name = String::with_capacity(TAG_OCTETS * 2);
        for octet in octets.iter().take(TAG_OCTETS) {
            let _ = write!(name, "{octet:02x}");
        }
        name
    }
}

const TAG_OCTETS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_turn_and_key_and_agree_by_text() {
        let (mut one, mut other) = (Tags::new([1; 32]), Tags::new([2; 32]));
        let first = one.next();
        assert_eq!(first.len(), 24);
        assert_ne!(first, one.next());
        assert_ne!(first, other.next());
        assert_eq!(one.of("a"), one.of("a"));
        assert_ne!(one.of("a"), one.of("b"));
        assert_ne!(one.of("a"), other.of("a"));
    }
}
