//! The routes, by part. Each part has its table, its handlers and its part of the OpenAPI document.

pub(crate) mod calls;
pub(crate) mod door;
pub(crate) mod keeping;
pub(crate) mod leave;
pub(crate) mod names;
pub(crate) mod oversight;
pub(crate) mod records;
pub(crate) mod staff;
pub(crate) mod status;
pub(crate) mod tying;
