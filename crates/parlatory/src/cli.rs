//! The command line: what can be typed, and what each word does.

mod calls;
mod disclose;
mod journal;
mod name;
mod package;
mod retention;
mod staff;

pub(crate) use calls::{CallsCommand, CloseArgs, ClosedArgs, ReopenArgs, StopArgs};
pub(crate) use disclose::{
    CopiesArgs, CountsArgs, DiscloseCommand, ExportArgs, FilterArgs, HearArgs, HoldArgs, ListArgs,
    ReceiptArgs, SearchArgs, WhyArgs,
};
pub(crate) use journal::{JournalCommand, SegmentsArgs};
pub(crate) use package::{CheckArgs, KeyArgs, OpenArgs, PackageCommand, ReceiveArgs};
pub(crate) use retention::{RetentionCommand, RunArgs, SetArgs};
pub(crate) use staff::{
    AccessCommand, AddArgs, ApproveArgs, DenyArgs, FirstArgs, GiveArgs, GlassCommand, GrantCommand,
    PlainArgs, PolicyCommand, ReviewArgs, StaffCommand, TieArgs, WhoseArgs,
};

pub(crate) use name::{NameArgs, NameCommand, NameListArgs, NameListenArgs};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Parlatory: an open phone service for jails and prisons.
///
/// It takes the calls, announces them truthfully, records only with consent, charges only the
/// lawful rate, and keeps every recording sealed. See it work: `parlatory demo`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the calls of a fictional county over real SIP and RTP on this machine.
    ///
    /// Starts a node (the same `serve` as in production) on a data folder of its own, and
    /// softphones that play stations and called parties. Needs no network, no account and no
    /// settings.
    Demo(DemoArgs),
    /// Make a data folder: keys, an empty store, and a commented `parlatory.toml`.
    Init(InitArgs),
    /// Take over agencies, facilities, stations, people, numbers, prices and money from a file.
    ///
    /// The file and the tables it names are checked whole first. One bad row, and nothing is
    /// applied; every problem is listed with file and line. Applying the same file again changes
    /// nothing. A running node takes the change over within a second.
    Provision(ProvisionArgs),
    /// Take calls until SIGTERM or Ctrl-C; then let the running calls finish, up to a limit.
    Serve(ServeArgs),
    /// How the running node does: calls, trunks, stations, disks, and what was refused and counted.
    ///
    /// For it-admins, supervisors and auditors, as the policies have it. Counts and states alone,
    /// nothing about anybody. Log in first: `parlatory login`. For a program that watches, see
    /// `metrics` under `[console]` in the settings.
    Status(StatusArgs),
    /// Look at a data folder and say what is ready, what is missing and what to do.
    Doctor(DoctorArgs),
    /// Check a published log with nothing but its key: every entry, up to the signed root.
    ///
    /// Works on a copy, without a network, and knows nothing of whoever wrote the log. Ends with 0
    /// when the log is whole; otherwise with another status, and names the first bad entry. Keep
    /// the log's `checkpoint` each time and give it to --since the next: only so can it be noticed
    /// that entries were taken back. Example: `parlatory verify copy-of-log --key log.vkey --since
    /// kept`.
    Verify(VerifyArgs),
    /// Be a witness: vouch for logs of others as long as they only grow (c2sp.org/tlog-witness).
    ///
    /// For somebody whom the operator of a log does not command: a public defender, a bar, a
    /// newspaper, a university. A log that shows different histories to different people cannot
    /// have the same witness for both. Runs until it is stopped; may be stopped at any time.
    Witness(WitnessArgs),
    /// Be a keyholder: hold private keys, and open shares against proofs alone.
    ///
    /// The same as the small program `parlatory-keyholder`, which a court need not install anything
    /// else for. It opens its share of a recording's key only when the log, and as many witnesses
    /// as it wants, prove that this very disclosure was entered before.
    Keyholder {
        /// What to do.
        #[command(subcommand)]
        command: keyholder::Command,
    },
    /// Read every entry of the log and every recording, and say what breaks an invariant.
    ///
    /// Every call ends once, recorded or not; a recording starts after consent and never on a
    /// protected number; no entry is missing; every file belongs to an entry. Run it on a copy, or
    /// on a folder whose node has stopped. It fails when it finds anything.
    Audit(AuditArgs),
    /// Open a session with a running node, for the commands that staff use.
    ///
    /// Asks for the password and for the code of the authenticator. The session is kept in a file
    /// of your own (`~/.config/parlatory/session.json`, or what PARLATORY_SESSION says) and ends
    /// after half an hour without a command. Example: `parlatory login --name dana`.
    Login(LoginArgs),
    /// End the session, here and at the node.
    Logout(PlainArgs),
    /// See what staff may see of calls, or wait for a second person's approval.
    ///
    /// Everything is entered in the log before it is shown: who, why, for which case, and exactly
    /// what. What policies allow stands in `policies/matrix.md`. Log in first: `parlatory login`.
    Disclose {
        /// What to do.
        #[command(subcommand)]
        command: Box<DiscloseCommand>,
    },
    /// Check a package of call records that you were handed, and sign that you have it.
    ///
    /// For its recipient, and whoever they show it to: it asks no node and needs no network.
    Package {
        /// What to do.
        #[command(subcommand)]
        command: PackageCommand,
    },
    /// Copy a data folder to another disk, while calls run.
    ///
    /// The copy is whole: log, database, journal and recordings belong together, as if the node had
    /// died at one moment. Recordings that are there from the last time are not copied again. The
    /// node's keys are left out unless you ask for them, and keyholders' private keys always.
    /// Example: `parlatory backup --to /mnt/backup/county`.
    Backup(BackupArgs),
    /// Put a backup back into an empty folder, or try whether that would work.
    ///
    /// With --drill it is put into a folder that vanishes, checked whole, and timed: do it every
    /// month. In earnest, the log signs nothing until you have shown with --since the newest
    /// checkpoint of everybody who has one: who lost entries that others have seen must not write
    /// others in their place. Recordings that were erased do not come back. Example: `parlatory
    /// restore --from /mnt/backup/county --keys /mnt/safe/keys --data new-data --since
    /// published/checkpoint`.
    Restore(RestoreArgs),
    /// The node's own account of its calls, where the database that follows it is lost.
    Journal {
        /// What to do.
        #[command(subcommand)]
        command: JournalCommand,
    },
    /// Who may log in, and as what.
    ///
    /// Every change stands in the log before it takes effect. Log in first: `parlatory login`.
    Staff {
        /// What to do.
        #[command(subcommand)]
        command: StaffCommand,
    },
    /// Give leave to work with the data of one case, and take it back.
    Grant {
        /// What to do.
        #[command(subcommand)]
        command: GrantCommand,
    },
    /// The policies by which your agency's data are disclosed.
    Policy {
        /// What to do.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// How long recordings, names and numbers are kept, and erasing what is due.
    ///
    /// Where nothing is set, recordings are erased after 90 days, names and numbers after a year. A
    /// node does it by itself each night. Every erased recording has its entry in the log before.
    Retention {
        /// What to do.
        #[command(subcommand)]
        command: RetentionCommand,
    },
    /// Look at who could reach what.
    Access {
        /// What to do.
        #[command(subcommand)]
        command: AccessCommand,
    },
    /// Look without an approval, because somebody is in danger; and answer for it.
    Glass {
        /// What to do.
        #[command(subcommand)]
        command: GlassCommand,
    },
    /// End calls that run; close calls, and open them again.
    Calls {
        /// What to do.
        #[command(subcommand)]
        command: CallsCommand,
    },
    /// The names that people recorded: listen, approve, remove.
    ///
    /// Where a facility has `recorded_names = true`, a person can record their name by key, once,
    /// alone in their call. Nobody hears it before staff have listened to it and approved it.
    Name {
        /// What to do.
        #[command(subcommand)]
        command: NameCommand,
    },
    /// What an attorney or another protected party can check without the operator.
    Counsel {
        /// What to do.
        #[command(subcommand)]
        command: CounselCommand,
    },
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The audit key, where it is not `keys/audit.key` of the data folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_key: Option<PathBuf>,
    /// The carrier's own call records: a table with the columns trunk, start and seconds.
    #[arg(long, value_name = "FILE")]
    pub(crate) carrier: Option<PathBuf>,
    /// The published SHA-256 of the program, as `sha256sum` prints it.
    #[arg(long, value_name = "FILE")]
    pub(crate) build_hash: Option<PathBuf>,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Folder of the backup, on another disk. It holds the last whole one, and its recordings.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Copy the folder `keys` as well: whoever has the backup can then sign for this log.
    #[arg(long)]
    pub(crate) with_keys: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The data folder to make; it must be empty. With --since alone: one that was restored before.
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The folder of the backup.
    #[arg(long, value_name = "DIR", required_unless_present = "since")]
    pub(crate) from: Option<PathBuf>,
    /// A copy of the folder `keys`, where the backup was taken without.
    #[arg(long, value_name = "DIR", requires = "from")]
    pub(crate) keys: Option<PathBuf>,
    /// A checkpoint that somebody else has, or a copy of the published log or of the log's own
    /// folder. Give the newest of everybody: the published one, and the file `seen` of each
    /// keyholder. May be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) since: Vec<PathBuf>,
    /// A list of recordings that were erased since, as the node keeps it in `recordings/erased`.
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) erased: Vec<PathBuf>,
    /// Only try: put it into a folder that vanishes, check everything, and say how long it took.
    #[arg(long, requires = "from")]
    pub(crate) drill: bool,
    /// Where the drill's folder is made; the system's place for such things otherwise. It needs as
    /// much room as the backup.
    #[arg(long, value_name = "DIR", requires = "drill")]
    pub(crate) scratch: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What counsel can do.
#[derive(Debug, Subcommand)]
pub(crate) enum CounselCommand {
    /// Write the secret of one holder of protected numbers to a new file, for the operator to hand
    /// over.
    Secret(CounselSecretArgs),
    /// Find the calls of one secret in a published log, and compare them with a telephone bill.
    ///
    /// Three lists: proven unrecorded, on the bill without proof, in the log and not on the bill.
    /// It fails when the second has anything in it.
    Check(CounselCheckArgs),
}

/// Arguments of `counsel secret`.
#[derive(Debug, Args)]
pub(crate) struct CounselSecretArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Key of the agency that registered the numbers.
    #[arg(long)]
    pub(crate) agency: String,
    /// The holder, as the table of protected numbers names it.
    #[arg(long)]
    pub(crate) holder: String,
    /// The file to write; it must not exist.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// Arguments of `counsel check`.
#[derive(Debug, Args)]
pub(crate) struct CounselCheckArgs {
    /// The file with the secret.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret: PathBuf,
    /// A telephone bill: a table with the columns start and seconds.
    #[arg(long, value_name = "FILE")]
    pub(crate) bill: Option<PathBuf>,
    /// The log's verifier key; without it the file `log.vkey` beside the folder `log`.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Print the lists as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder of the published log, or of a copy of it.
    #[arg(default_value = "parlatory-data/log")]
    pub(crate) log: PathBuf,
}

/// Which console.
#[derive(Debug, Args)]
pub(crate) struct ConsoleArgs {
    /// Address of the node's console. In clear (http) only on this machine.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8480",
        env = "PARLATORY_URL"
    )]
    pub(crate) url: String,
    /// File with the certificates (PEM) to believe about it, instead of public authorities.
    #[arg(long, value_name = "FILE", env = "PARLATORY_AUTHORITY")]
    pub(crate) authority: Option<PathBuf>,
}

/// Arguments of `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) at: ConsoleArgs,
    /// The name of the log-in; asked for when it is not given.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A file whose first line is the password, for programs; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The six digits that the authenticator shows, for programs.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) code: Option<String>,
    /// Print the session's end and whose it is as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which data folder.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "parlatory-data", env = "PARLATORY_DATA")]
    pub(crate) data: PathBuf,
}

/// Arguments of `provision`.
#[derive(Debug, Args)]
pub(crate) struct ProvisionArgs {
    /// The file, in TOML; see the example in the repository's `crates/parlatory/assets/example`.
    pub(crate) file: PathBuf,
    /// Only check the file.
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print every step of every call to standard output. Steps hold no name, number or key.
    #[arg(long)]
    pub(crate) steps: bool,
    /// End when standard input is closed: for a program that started this one.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print all of it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the calls instead of staying up until Ctrl-C.
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON document at the end instead of ladders and a summary. Implies `--once`.
    #[arg(long, conflicts_with = "my_phone")]
    pub(crate) json: bool,
    /// Keep everything in this folder, which must not exist yet or be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print an account for your own softphone; let it call, and be called by it.
    #[arg(long)]
    pub(crate) my_phone: bool,
    /// Play nothing: print the code that an authenticator shows now of the secret in this file, as
    /// a running demo names it for its fictional staff.
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) code: Option<PathBuf>,
    /// Address of this machine that your softphone reaches; only with --my-phone.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", requires = "my_phone")]
    pub(crate) listen: std::net::IpAddr,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The log: a folder with `checkpoint` and `tile/`, best a copy, or an address that begins with
    /// http://.
    #[arg(value_name = "LOGDIR|URL")]
    pub(crate) log: String,
    /// The log's verifier key, or the file it stands in. Get it in another way than the log.
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: String,
    /// A checkpoint of this log that you kept: the log must begin with it.
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Option<PathBuf>,
    /// A witness's verifier key, or its file: it must have cosigned. May be given several times.
    #[arg(long, value_name = "VKEY")]
    pub(crate) witness: Vec<String>,
    /// How many of these witnesses must have cosigned; all, where it is left out.
    #[arg(long, value_name = "COUNT", requires = "witness")]
    pub(crate) quorum: Option<usize>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `witness`.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    /// Folder of the witness's key and of what it has seen. Keep it: a witness that forgot is
    /// worth nothing and must begin anew, with another key.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// A log to watch: its verifier key, or the file it stands in. May be given several times.
    #[arg(long, value_name = "VKEY", required = true)]
    pub(crate) log: Vec<String>,
    /// Name of a new witness, such as `defender.example/witness`; only the first time.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where to listen. Speaks HTTP: put a server that speaks HTTPS before it.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7380")]
    pub(crate) listen: std::net::SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    const RULES: &str = include_str!("../../../docs/rules.md");
    const ACCESS: &str = include_str!("../../../docs/access.md");

    /// Every command that does something, with the words before it.
    fn commands(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
        let name = format!("{before}{}", command.get_name());
        if !command.has_subcommands() {
            found.insert(name);
            return;
        }
        for inner in command.get_subcommands() {
            commands(inner, &format!("{name} "), found);
        }
    }

    fn listed(rules: &str) -> BTreeSet<String> {
        let part = rules.split("### Commands").nth(1).unwrap().split("\n#").next().unwrap();
        let mut twice = BTreeSet::new();
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| {
            assert!(twice.insert(row.split('|').next()), "{row} is there twice");
            let mut cells = row.split('|').map(str::trim);
            let command = cells.next().unwrap().trim_end_matches('`').to_owned();
            let states = ["gated", "logged", "own data", "outside", "nothing"];
            assert!(states.contains(&cells.next().unwrap()), "{command} has no state");
            assert!(!cells.next().unwrap().is_empty(), "{command} does not say what leaves");
            command
        })
        .collect()
    }

    #[test]
    fn every_command_is_in_the_list_of_ways_out_and_nothing_else_is() {
        let mut found = BTreeSet::new();
        commands(&Cli::command(), "", &mut found);
        assert_eq!(listed(RULES), found);
        let without = RULES.replace("| `parlatory login`", "| parlatory login");
        assert!(!listed(&without).contains("parlatory login"), "one that is missing is found");
    }

    #[test]
    fn what_each_role_is_answered_is_written_down_for_every_command_that_asks_a_node() {
        let mut found = BTreeSet::new();
        commands(&Cli::command(), "", &mut found);
        let asks = [
            "login",
            "logout",
            "disclose",
            "staff",
            "grant",
            "policy",
            "retention",
            "access",
            "glass",
        ];
        let asks =
            |command: &&String| command.split(' ').nth(1).is_some_and(|word| asks.contains(&word));
        for command in found.iter().filter(asks) {
            assert!(
                ACCESS.contains(&format!("`{command}`")),
                "`{command}` is not in docs/access.md"
            );
        }
    }

    /// What runs until it is stopped, and tells what happens in its log.
    const RUN_ON: [&str; 2] = ["parlatory serve", "parlatory witness"];

    fn without_json(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
        let name = format!("{before}{}", command.get_name());
        if command.has_subcommands() {
            for inner in command.get_subcommands() {
                without_json(inner, &format!("{name} "), found);
            }
        } else if !command.get_arguments().any(|argument| argument.get_id() == "json") {
            found.insert(name);
        }
    }

    #[test]
    fn every_command_that_ends_can_answer_in_json() {
        let mut found = BTreeSet::new();
        without_json(&Cli::command(), "", &mut found);
        assert_eq!(found, RUN_ON.map(str::to_owned).into());
    }

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }
}
