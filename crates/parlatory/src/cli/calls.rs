//! What can be typed after `parlatory calls`.

use clap::{Args, Subcommand};

/// What staff can do with calls that run.
#[derive(Debug, Subcommand)]
pub(crate) enum CallsCommand {
    /// End calls of your agency now.
    ///
    /// For supervisors and investigators. Both people hear that staff ended the call; what was
    /// talked is charged. Calls with counsel, of relay services and with lines for help go on.
    /// Nobody is kept from calling again. It is entered in the log, with who did it and why.
    /// Example: `parlatory calls stop --unit cedar/jail/a --reason "a threat in unit A"`.
    Stop(StopArgs),
}

/// Arguments of `calls stop`. A call must fit everything that is named.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct StopArgs {
    /// From this facility, such as `cedar/jail`.
    #[arg(long, value_name = "KEY", required_unless_present_any = ["unit", "station", "person"])]
    pub(crate) facility: Option<String>,
    /// From this housing unit, such as `cedar/jail/a`.
    #[arg(long, value_name = "KEY")]
    pub(crate) unit: Option<String>,
    /// From this station, such as `cedar/jail/a/1`.
    #[arg(long, value_name = "KEY")]
    pub(crate) station: Option<String>,
    /// Of this person: your agency's number of them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) person: Option<String>,
    /// Why, in words.
    #[arg(long)]
    pub(crate) reason: String,
    /// Print what was done as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
