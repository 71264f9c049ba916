//! What can be typed after `parlatory journal`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DataArgs;

/// The node's own account of its calls.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Fill a lost or old database again, with segments that the keyholders open.
    ///
    /// For an operator whose database is lost and whose backup is older than two days: what
    /// happened since stands in segments of the journal whose keys were given to the keyholders.
    /// The node must have stopped. First it is entered in the log which segments are to be opened
    /// for which key, who asks, and why; then every keyholder who has a share is asked. Each opens
    /// nothing before its owner said yes with `parlatory-keyholder allow`, so the first run ends by
    /// saying for whom it waits. Tell them, and run the command again, as often as it takes; within
    /// seven days. Until the last one said yes nothing is changed. The segments stay given away.
    /// What the journal's own key opens is filled in without asking anybody.
    ///
    /// Example: `parlatory journal open --from /mnt/backup/county --reason "the disk with the
    /// database died on Monday"`, and later `parlatory journal open`.
    Open(SegmentsArgs),
}

/// Arguments of `journal open`.
#[derive(Debug, Args)]
pub(crate) struct SegmentsArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Why, for the log and for the owners of the keyholders; needed when it is asked for, and not
    /// when the command is run again.
    #[arg(long, value_name = "WORDS")]
    pub(crate) reason: Option<String>,
    /// A backup, of whatever age, of which the database is put into the data folder first, where
    /// that has none. The journal has calls and money; it has no names of people and places, and no
    /// log-ins.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Give up what was asked for: destroy the key that the shares would be sealed to.
    #[arg(long, conflicts_with_all = ["reason", "from"])]
    pub(crate) withdraw: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
