//! How much of anything a log may have, and how much of a stranger's input is read.

/// Octets of one hash (SHA-256).
pub const HASH_OCTETS: usize = 32;

/// Levels of the tree that one tile spans (c2sp.org/tlog-tiles).
pub const TILE_HEIGHT: u8 = 8;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u16 = 1 << TILE_HEIGHT;

/// Octets of one entry: its length is written in 16 bits.
pub const ENTRY_OCTETS_MAX: usize = u16::MAX as usize;

/// Octets of a full bundle of the longest entries.
pub const BUNDLE_OCTETS_MAX: usize = TILE_WIDTH as usize * (2 + ENTRY_OCTETS_MAX);

/// Entries of one log. Other verifiers count in signed 64 bits.
pub const TREE_SIZE_MAX: u64 = i64::MAX as u64;

/// Hashes of one proof: a tree of [`TREE_SIZE_MAX`] is 63 levels high, and a proof of consistency
/// may have one hash more.
pub const PROOF_HASHES_COUNT_MAX: usize = 64;

/// Octets of a signed note: room for [`SIGNATURES_COUNT_MAX`] signatures of the largest kind known.
pub const NOTE_OCTETS_MAX: usize = 512 * 1024;

/// Signatures of one note. The specification wants 16 at least.
pub const SIGNATURES_COUNT_MAX: usize = 64;

/// Octets of the name of a key, and of the origin of a log.
pub const NAME_OCTETS_MAX: usize = 255;

/// Octets of a written key.
pub const KEY_TEXT_OCTETS_MAX: usize = 512;

/// Lines of a checkpoint after its root.
pub const EXTENSION_LINES_COUNT_MAX: usize = 16;

/// Witnesses of one policy.
pub const WITNESSES_COUNT_MAX: usize = 32;

/// Octets that may stand beside a proof in its file.
pub const EXTRA_OCTETS_MAX: usize = 64 * 1024;

/// Octets of a proof file.
pub const PROOF_FILE_OCTETS_MAX: usize = NOTE_OCTETS_MAX + 2 * EXTRA_OCTETS_MAX;
