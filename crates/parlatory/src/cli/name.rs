//! What can be typed after `parlatory name`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What staff can do with recorded names.
#[derive(Debug, Subcommand)]
pub(crate) enum NameCommand {
    /// The names that people of your agency recorded, and how far each has come; without whose they
    /// are.
    List(NameListArgs),
    /// Listen to one: writes a WAV file, and says whose name it should be.
    ///
    /// It is a look at somebody's data: who looked is entered in the log first. Example:
    /// `parlatory name listen 17 --to name.wav`.
    Listen(NameListenArgs),
    /// Let one be heard in notices from now on. Listen to it first: what nobody has listened to is
    /// not approved.
    Approve(NameArgs),
    /// Remove one and destroy its file, approved or not. The person may record another.
    Remove(NameArgs),
}

/// Arguments of `name list`.
#[derive(Debug, Args)]
pub(crate) struct NameListArgs {
    /// Print the list as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `name listen`.
#[derive(Debug, Args)]
pub(crate) struct NameListenArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// The WAV file to write, which must not exist yet. Delete it when you have heard it.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

/// Which name.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The name's number, as `list` shows it.
    #[arg(value_name = "NUMBER")]
    pub(crate) name: u32,
    /// The act under which it was approved, where the agency's policies want a second person.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    /// Print what came of it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
