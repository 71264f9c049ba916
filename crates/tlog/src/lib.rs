//! The transparency log: tree, tiles, notes, checkpoints, proofs and cosignatures, as C2SP specifies them.
//!
//! Pure: it reads no file and no clock.
//! Start with the tree.
#![no_std]
