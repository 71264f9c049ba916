//! What can be typed after `parlatory retention`.

use clap::{Args, Subcommand};

use super::PlainArgs;

/// How long things are kept.
#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// How long your agency keeps what, and what is usual.
    Show(PlainArgs),
    /// Say how long your agency keeps something; entered in the log, and published.
    ///
    /// For supervisors. Longer than usual (90 days for recordings, a year for names and numbers)
    /// needs a reason, which everybody can read: name the law or the rule, and nobody. Example:
    /// `parlatory retention set audio --days 180 --reason "state records act, 6 months"`.
    Set(SetArgs),
    /// Erase now what is due for your agency, in place of tonight.
    ///
    /// For supervisors. With --dry-run it says how much that is, and erases nothing. What a hold
    /// keeps stays.
    Run(RunArgs),
}

/// Arguments of `retention set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// What: audio (recordings) or records (names and numbers).
    pub(crate) class: String,
    /// How many days after the end of a call: 1 to 10980.
    #[arg(long, value_name = "COUNT")]
    pub(crate) days: u32,
    /// For this facility alone, such as `cedar/jail`; for all that have nothing of their own,
    /// where it is left out.
    #[arg(long, value_name = "KEY")]
    pub(crate) facility: Option<String>,
    /// Why, for everybody to read.
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub(crate) reason: String,
    /// Number of the act under which it was approved, when you ask again.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `retention run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Only say what is due.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Number of the act under which it was approved, when you ask again.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}
