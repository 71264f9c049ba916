//! Limits of a package.

/// Recordings in one package.
pub(crate) const RECORDINGS_COUNT_MAX: usize = 1_000;
/// Octets of the files of one package together: more than a day of audio, and still one file that
/// every reader of ZIP archives takes (4 GiB less what the archive itself needs).
pub(crate) const PACKAGE_OCTETS_MAX: u64 = 3 << 30;
/// Seconds of one recording.
pub(crate) const SECONDS_COUNT_MAX: usize = 24 * 3_600;
/// Letters of a passphrase; each is one of 32, so that 24 are 120 bits.
pub(crate) const PASSPHRASE_LETTERS_COUNT: usize = 24;
