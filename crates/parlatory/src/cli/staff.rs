//! What can be typed about staff, grants, policies and the review of access.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConsoleArgs;

/// Who may do anything.
#[derive(Debug, Subcommand)]
pub(crate) enum StaffCommand {
    /// Add the first it-admin and choose their password, with the token that `init` wrote.
    ///
    /// Works only while nobody could add staff. Needs no session. Prints the secret for an
    /// authenticator app, this once. Example: `parlatory staff first --agency cedar --name dana`.
    First(FirstArgs),
    /// Choose a password with the token that an it-admin handed over.
    ///
    /// Needs no session. Prints the secret for an authenticator app, this once.
    Enrol(EnrolArgs),
    /// Add somebody to your agency; prints the token to hand over to them.
    ///
    /// A log-in of the role `person` is for somebody in custody or released, `counsel` for who
    /// holds protected numbers. They see their own calls, once you say whose and a supervisor
    /// agrees.
    ///
    /// Examples: `parlatory staff add dana --role investigator`; `parlatory staff add jordan --role
    /// person --person CC-1001 --called "Jordan Example"`; `parlatory staff add lane --role
    /// counsel --holder "Lakeside Legal Aid"`.
    Add(AddArgs),
    /// Say whose calls a log-in of the role `person` or `counsel` shows. A supervisor must agree.
    ///
    /// For it-admins. A person is named by number and name, so that a slip is found: the wrong one
    /// would show somebody else's calls. Counsel is named as the registry of protected numbers has
    /// them. A person has one log-in, a log-in one tie. It ends with `untie`, with another role,
    /// and with a new password (`release --anew`). Example: `parlatory staff tie jordan --person
    /// CC-1001 --called "Jordan Example"`.
    Tie(TieArgs),
    /// End whose calls a log-in shows, at once. For it-admins and supervisors.
    Untie {
        /// The name of the log-in.
        name: String,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// Whose calls the log-ins of your agency show, and what waits for a supervisor.
    Ties(PlainArgs),
    /// Agree to whose calls a log-in shows: for a supervisor, and never who proposed it.
    ///
    /// Ask the person or counsel first, face to face or at a number that you know: is this your
    /// log-in, and did you choose its password? See what waits with `parlatory staff ties`.
    /// Example: `parlatory staff approve 12`.
    Approve(ApproveArgs),
    /// Say no to whose calls a log-in was to show, or take your own proposal back.
    Deny(DenyArgs),
    /// The staff of your agency.
    List(PlainArgs),
    /// Give somebody another role. They log in anew.
    Role {
        /// The name of their log-in.
        name: String,
        /// Which: investigator, clerk, supervisor, auditor, it-admin, defence, inspector, person or
        /// counsel.
        role: String,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// Take somebody's access away, with their sessions and grants, at once.
    Revoke {
        /// The name of their log-in.
        name: String,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// End somebody's lock or long absence.
    Release {
        /// The name of their log-in.
        name: String,
        /// Have them choose a new password and a new secret of codes; prints the token for that.
        /// Whose calls the log-in showed ends with it: say it anew with `tie`.
        #[arg(long)]
        anew: bool,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// Change your own password.
    Password {
        /// A file whose first line is the old password, for programs; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        old_file: Option<PathBuf>,
        /// A file whose first line is the new one, for programs; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        new_file: Option<PathBuf>,
        #[command(flatten)]
        plain: PlainArgs,
    },
}

/// How it is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PlainArgs {
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `staff first`.
#[derive(Debug, Args)]
pub(crate) struct FirstArgs {
    #[command(flatten)]
    pub(crate) at: ConsoleArgs,
    /// Key of the agency, as the provision file names it.
    #[arg(long, value_name = "KEY")]
    pub(crate) agency: String,
    /// The name by which they log in.
    #[arg(long)]
    pub(crate) name: String,
    /// The file with the token, in the node's data folder.
    #[arg(long, value_name = "FILE", default_value = "parlatory-data/console/setup.token")]
    pub(crate) token_file: PathBuf,
    /// A file whose first line is the password, for programs; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `staff enrol`.
#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    #[command(flatten)]
    pub(crate) at: ConsoleArgs,
    /// The name by which you log in.
    #[arg(long)]
    pub(crate) name: String,
    /// A file whose first line is the token; asked for when it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file whose first line is the password, for programs; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `staff add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// The name by which they are going to log in.
    pub(crate) name: String,
    /// As what: investigator, clerk, supervisor, auditor, it-admin, defence, inspector, person or
    /// counsel. The last two see what is their own, and nothing until it is said whose that is.
    #[arg(long)]
    pub(crate) role: String,
    /// Key of another agency that has no it-admin yet, for its first one.
    #[arg(long, value_name = "KEY")]
    pub(crate) agency: Option<String>,
    #[command(flatten)]
    pub(crate) whose: WhoseArgs,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Whose calls a log-in shows.
#[derive(Debug, Args)]
pub(crate) struct WhoseArgs {
    /// Show the calls of this person, by the agency's number; for the role `person`.
    #[arg(long, value_name = "KEY", requires = "called", conflicts_with = "holder")]
    pub(crate) person: Option<String>,
    /// The person's name, as it is provisioned: it must be theirs whose number it is.
    #[arg(long, value_name = "NAME", requires = "person")]
    pub(crate) called: Option<String>,
    /// Show the calls to the protected numbers of this holder, letter for letter as the registry
    /// names them; for the role `counsel`.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: Option<String>,
}

/// Arguments of `staff tie`.
#[derive(Debug, Args)]
pub(crate) struct TieArgs {
    /// The name of the log-in.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) whose: WhoseArgs,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Leave to work with the data of one case.
#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Give somebody leave to work with the data of one case for a while.
    ///
    /// For supervisors, about the data of their agency. Example: `parlatory grant give dana --case
    /// 24-CR-0117 --purpose investigation --verb search --verb listen --rows 200 --days 14`.
    Give(GiveArgs),
    /// The grants you have; for supervisors and auditors, all for the data of their agency.
    List(PlainArgs),
    /// Take a grant back.
    Revoke {
        /// Its number.
        grant: u32,
        #[command(flatten)]
        plain: PlainArgs,
    },
}

/// Arguments of `grant give`.
#[derive(Debug, Args)]
pub(crate) struct GiveArgs {
    /// The name of their log-in.
    pub(crate) name: String,
    /// Key of the agency that they work for, where it is not yours.
    #[arg(long, value_name = "KEY")]
    pub(crate) agency: Option<String>,
    /// Number of the case.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: String,
    /// Why: investigation, safety, discovery, court-order, counsel-consent, inspection or
    /// public-records.
    #[arg(long)]
    pub(crate) purpose: String,
    /// To do what: search, listen, follow or export. May be given several times.
    #[arg(long, value_name = "ACT", required = true)]
    pub(crate) verb: Vec<String>,
    /// How many rows in all.
    #[arg(long, value_name = "COUNT")]
    pub(crate) rows: u32,
    /// For how many days, from now.
    #[arg(long, value_name = "COUNT", default_value = "14", value_parser = clap::value_parser!(u32).range(1..=30))]
    pub(crate) days: u32,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// The policies of an agency.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the policies of your agency, as they are now or as an old entry names them.
    Show {
        /// The hash in an old entry, in hexadecimal digits.
        #[arg(long)]
        hash: Option<String>,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// Propose policies for your agency. The law, which is part of the program, stays beside them.
    ///
    /// For supervisors. Begin with what `parlatory policy show` prints. They hold when another
    /// supervisor or an auditor of your agency approves them; at once only where they are the first
    /// and there is nobody else yet.
    Set {
        /// The file with the text, in Cedar.
        file: PathBuf,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// Print the policies that wait for a second person. For supervisors and auditors.
    Waiting(PlainArgs),
    /// Say yes to policies that another one proposed. Read them first: `parlatory policy waiting`.
    Approve(ApproveArgs),
    /// Say no to policies that were proposed, or take your own proposal back.
    Deny(DenyArgs),
}

/// Looking at who could reach what.
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// What your agency's staff could reach against what they used, and what raised an alarm.
    ///
    /// For auditors, supervisors and inspectors. It is entered in the log. Example: `parlatory
    /// access review --case "audit 2026-4" --days 90`.
    Review(ReviewArgs),
}

/// Arguments of `access review`.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Number of the audit, or of the case.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: String,
    /// Why: audit or inspection.
    #[arg(long, default_value = "audit")]
    pub(crate) purpose: String,
    /// How many days back.
    #[arg(long, value_name = "COUNT", default_value = "90", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub(crate) days: u32,
    /// Leave out what could be reached and was not used.
    #[arg(long)]
    pub(crate) used_only: bool,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Looking without an approval, because somebody is in danger.
#[derive(Debug, Subcommand)]
pub(crate) enum GlassCommand {
    /// Break the glass: look now, and answer for it within 72 hours.
    ///
    /// It is entered in the log, those on call are told, and it opens a few rows for a while.
    /// Then ask with `--purpose safety`.
    Break {
        /// What for, in words.
        #[arg(long)]
        reason: String,
        /// For how many minutes, 60 to 240.
        #[arg(long, default_value = "60", value_parser = clap::value_parser!(u32).range(60..=240))]
        minutes: u32,
        #[command(flatten)]
        plain: PlainArgs,
    },
    /// The glasses that you broke, or that you may review.
    List(PlainArgs),
    /// Say what you found about a glass that somebody else broke.
    Review {
        /// Number of its act.
        act: u64,
        /// It was not right to break it.
        #[arg(long)]
        unjustified: bool,
        /// What you found, in words.
        #[arg(long)]
        found: String,
        #[command(flatten)]
        plain: PlainArgs,
    },
}

/// Arguments of `disclose approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Number of the act.
    pub(crate) act: u64,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `disclose deny`.
#[derive(Debug, Args)]
pub(crate) struct DenyArgs {
    /// Number of the act.
    pub(crate) act: u64,
    /// Why, in words.
    #[arg(long)]
    pub(crate) why: String,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}
