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
    /// Close calls of your agency, until they are opened again or until a time.
    ///
    /// For a person, a number that is called, a station, a housing unit, a facility or the whole
    /// agency. Whoever wants to make one hears that calls are closed and pays nothing. Calls that
    /// run go on: `calls stop` ends those. Calls with counsel and other protected parties, of relay
    /// services and with lines for help (988, PREA, an ombudsman) stay open whatever is closed;
    /// only a whole facility is closed with all of these, with --everything and for a day at most.
    /// It is entered in the log before it holds, survives a restart, and holds within a second.
    /// Example:
    /// `parlatory calls close --unit cedar/jail/a --reason "a threat in unit A"`.
    Close(CloseArgs),
    /// Open calls again, by the number that `calls closed` shows.
    Open(ReopenArgs),
    /// What is closed now at your agency. Of a person and a number it says that, and not whose.
    Closed(ClosedArgs),
}

/// Arguments of `calls close`. Exactly one thing is named.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    #[command(flatten)]
    pub(crate) what: CloseWhat,
    /// Of a facility: calls with counsel, of relay services and with lines for help too. Needs
    /// --until, within 24 hours.
    #[arg(long, requires = "facility", requires = "until")]
    pub(crate) everything: bool,
    /// Until this time, such as `2026-11-27T18:00:00Z`; otherwise until somebody opens them.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    #[command(flatten)]
    pub(crate) why: SwitchWhy,
}

/// For what calls are closed.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct CloseWhat {
    /// For the whole agency.
    #[arg(long)]
    pub(crate) agency: bool,
    /// For this facility, such as `cedar/jail`.
    #[arg(long, value_name = "KEY")]
    pub(crate) facility: Option<String>,
    /// For this housing unit, such as `cedar/jail/a`.
    #[arg(long, value_name = "KEY")]
    pub(crate) unit: Option<String>,
    /// For this station, such as `cedar/jail/a/1`.
    #[arg(long, value_name = "KEY")]
    pub(crate) station: Option<String>,
    /// For this person: your agency's number of them.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) person: Option<String>,
    /// To this number, such as `+12025550142`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
}

/// Why calls are closed or opened.
#[derive(Debug, Args)]
pub(crate) struct SwitchWhy {
    /// Why: safety, investigation or administration.
    #[arg(long, default_value = "safety")]
    pub(crate) purpose: String,
    /// Why, in words.
    #[arg(long)]
    pub(crate) reason: String,
    /// The act under which it was approved, where the agency's policies want a second person.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    /// Print what came of it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `calls open`.
#[derive(Debug, Args)]
pub(crate) struct ReopenArgs {
    /// The number, as `calls closed` shows it.
    #[arg(value_name = "NUMBER")]
    pub(crate) closed: u64,
    #[command(flatten)]
    pub(crate) why: SwitchWhy,
}

/// Arguments of `calls closed`.
#[derive(Debug, Args)]
pub(crate) struct ClosedArgs {
    /// Print the list as JSON.
    #[arg(long)]
    pub(crate) json: bool,
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
