//! What can be typed after `parlatory disclose`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ApproveArgs, DenyArgs, PlainArgs};

/// What staff can do with calls.
#[derive(Debug, Subcommand)]
pub(crate) enum DiscloseCommand {
    /// Look for call records: by person, number, place, time or outcome; a page at a time.
    ///
    /// Calls with counsel and on other protected lines are not among them: see `counts`. A search
    /// that finds nothing is entered in the log as well. Example: `parlatory disclose search
    /// --purpose investigation --case 24-CR-0117 --person CC-1001 --from 2026-11-01T00:00:00Z`.
    Search(SearchArgs),
    /// How many calls with counsel and on other protected lines there were, month by month.
    Counts(CountsArgs),
    /// Hear a recording: writes a WAV file, the station left, the called party right.
    ///
    /// Both keyholders open it against the entry in the log, for this once. Example: `parlatory
    /// disclose listen 0000000100000002 --purpose investigation --case 24-CR-0117 --to call.wav`.
    Listen(HearArgs),
    /// Hear a call while it goes on, a second or two after it was spoken.
    ///
    /// Example: `parlatory disclose follow 0000000100000002 --purpose safety --case 24-CR-0117
    /// --to - | aplay`.
    Follow(HearArgs),
    /// Take a copy away: call records, or one recording, sealed for a recipient.
    ///
    /// The package holds the proofs with which anybody can check it, and says who else got a copy.
    /// A recipient with a key gets the passphrase sealed to it; one without is told it another way
    /// than the package goes. Example: `parlatory disclose export --recording 0000000100000002
    /// --purpose discovery --case 24-CR-0117 --for defence --to call.zip`.
    Export(ExportArgs),
    /// See what was asked for and shown of an agency's data, without the data themselves; and what
    /// was approved and refused, and glasses that were broken and reviewed.
    ///
    /// Example, for all that was done for one case: `parlatory disclose list --purpose audit --case
    /// "review 2026-4" --of-case 24-CR-0117 --since 2026-11-01T00:00:00Z`. A person in custody and
    /// counsel see who took copies of their own calls away.
    List(ListArgs),
    /// Who else got a copy of what is in a package, before it and after.
    ///
    /// Defence counsel and other recipients with a log-in name the package by its SHA-256, which
    /// `parlatory package check` prints; staff of the agency see those that were handed out. Ask
    /// for the entries that are shown to get what you lack. Example: `parlatory disclose copies
    /// --package 3b0c...`.
    Copies(CopiesArgs),
    /// Enter what the recipient of a package signed: that they have it.
    ///
    /// They make the receipt with `parlatory package receive`. Ask them in another way whether the
    /// key that is shown is theirs. Example: `parlatory disclose receipt receipt.txt`.
    Receipt(ReceiptArgs),
    /// Keep calls from being erased, by person, number, facility or time, and release that again.
    ///
    /// Of one person, to one number, or of one facility in 31 days: you alone place it. What is
    /// less narrow waits for a supervisor of the agency whose data it is, and keeps nothing until
    /// they approved it and you asked again. Nothing is shown, and the answer is the same whether
    /// there is such a call or not. A call is kept that fits everything you name; calls that are
    /// made later are kept as well. Example:
    /// `parlatory disclose hold --purpose discovery --case 24-CR-0117 --person CC-1001 --from
    /// 2026-11-01T08:30:00Z`. See what you hold: `parlatory disclose hold --list`. End it:
    /// `parlatory disclose hold --release 3 --reason "the case is closed"`.
    Hold(HoldArgs),
    /// What waits for a second person: your own requests, and those that you can approve.
    Waiting(PlainArgs),
    /// Say yes to what another asked for. Only a supervisor of the agency whose data it is can.
    Approve(ApproveArgs),
    /// Say no to what another asked for, or take your own request back.
    Deny(DenyArgs),
}

/// The key of an agency. Numbers of agencies are nobody's to know.
fn agency_key(text: &str) -> Result<String, &'static str> {
    let number = !text.is_empty() && text.bytes().all(|sign| sign.is_ascii_digit());
    if number {
        return Err("an agency is named by its key, such as `cedar`, and not by a number");
    }
    Ok(text.to_owned())
}

/// Why something is asked for.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// Why: investigation, safety, discovery, court-order, counsel-consent, audit, inspection or
    /// public-records; own-records for a person in custody and counsel, who see what is their own.
    #[arg(long)]
    pub(crate) purpose: String,
    /// Number of the case, as the agency writes it.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) case: String,
    /// Key of the agency whose data it is, such as `cedar`, where it is not your own.
    #[arg(long, value_name = "KEY", value_parser = agency_key)]
    pub(crate) agency: Option<String>,
    /// Number of the act under which it was approved, when you ask again.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a search narrows by.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Of this person, by the agency's number.
    #[arg(long, value_name = "KEY")]
    pub(crate) person: Option<String>,
    /// To exactly this number, such as +12025550142.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// From this facility, such as `cedar/jail`.
    #[arg(long, value_name = "KEY")]
    pub(crate) facility: Option<String>,
    /// From this station, such as `cedar/jail/a/1`.
    #[arg(long, value_name = "KEY")]
    pub(crate) station: Option<String>,
    /// At this time or later, such as 2026-11-27T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// That came to this, such as called_hung_up, number_blocked or open.
    #[arg(long, value_name = "WORD")]
    pub(crate) outcome: Option<String>,
    /// With a recording (true) or without one (false).
    #[arg(long, value_name = "BOOL")]
    pub(crate) recorded: Option<bool>,
    /// Calls with counsel and on other protected lines, and no others: by a court's order, or with
    /// counsel's consent, and with a second person's approval.
    #[arg(long)]
    pub(crate) protected: bool,
}

/// Arguments of `disclose search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) why: WhyArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Where the page begins, as the page before says.
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
    /// Records on the page, at most 50.
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<u32>,
}

/// Arguments of `disclose counts`.
#[derive(Debug, Args)]
pub(crate) struct CountsArgs {
    #[command(flatten)]
    pub(crate) why: WhyArgs,
    /// The first month, such as 2026-01.
    #[arg(long, value_name = "MONTH")]
    pub(crate) from: String,
    /// The last month, which counts.
    #[arg(long, value_name = "MONTH")]
    pub(crate) to: String,
}

/// Arguments of `disclose listen` and `disclose follow`.
#[derive(Debug, Args)]
pub(crate) struct HearArgs {
    #[command(flatten)]
    pub(crate) why: WhyArgs,
    /// Number of the call, 16 hexadecimal digits, as a search shows it.
    #[arg(value_name = "CALL")]
    pub(crate) recording: String,
    /// A new file for the recording; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

/// Arguments of `disclose export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) why: WhyArgs,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// One recording with the record of its call, in place of all records that are found.
    #[arg(long, value_name = "CALL")]
    pub(crate) recording: Option<String>,
    /// For whom: prosecution, defence, person, counsel, court, inspector, public_records or staff.
    /// It stands in the log, and whoever else gets a copy reads it.
    #[arg(long = "for", value_name = "AUDIENCE")]
    pub(crate) audience: String,
    /// The recipient's public key (X25519), 64 hexadecimal digits, as `parlatory package key` makes
    /// it.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) key: Option<String>,
    /// What is asked for, in your own words; log and package have it beside what is looked for.
    #[arg(long, value_name = "WORDS")]
    pub(crate) note: Option<String>,
    /// A new file for the package.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

/// Arguments of `disclose copies`.
#[derive(Debug, Args)]
pub(crate) struct CopiesArgs {
    /// SHA-256 of `package.zip`; all packages that you may know of, where it is left out.
    #[arg(long, value_name = "SHA-256")]
    pub(crate) package: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `disclose receipt`.
#[derive(Debug, Args)]
pub(crate) struct ReceiptArgs {
    /// The file with the receipt.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `disclose list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) why: WhyArgs,
    /// Acts of this case alone. (`--case` says for which case you look: a review, say.)
    #[arg(long, value_name = "NUMBER")]
    pub(crate) of_case: Option<String>,
    /// Acts of whoever logs in with this name alone, and what was said of them.
    #[arg(long, value_name = "NAME")]
    pub(crate) who: Option<String>,
    /// From this time; 30 days ago where it is left out.
    #[arg(long, visible_alias = "since", value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until this time; now where it is left out.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Arguments of `disclose hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// Why: investigation, safety, discovery, court-order, counsel-consent or inspection.
    #[arg(long, required_unless_present_any = ["list", "release"])]
    pub(crate) purpose: Option<String>,
    /// Number of the case, as the agency writes it.
    #[arg(long, value_name = "NUMBER", required_unless_present_any = ["list", "release"])]
    pub(crate) case: Option<String>,
    /// Key of the agency whose data it is, such as `cedar`, where it is not your own.
    #[arg(long, value_name = "KEY", value_parser = agency_key)]
    pub(crate) agency: Option<String>,
    /// Calls of this person, by the agency's number. A number that nobody has keeps nothing, and
    /// you are not told: check it.
    #[arg(long, value_name = "KEY")]
    pub(crate) person: Option<String>,
    /// Calls to exactly this number, such as +12025550142.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// Calls from this facility, such as `cedar/jail`. With --from and --until at most 31 days
    /// apart nobody is asked; else a supervisor of the agency whose data it is must approve it.
    #[arg(long, value_name = "KEY")]
    pub(crate) facility: Option<String>,
    /// All calls of the agency: a supervisor there must approve it, and nothing is kept before.
    #[arg(long, conflicts_with_all = ["person", "number", "facility", "from", "until"])]
    pub(crate) everything: bool,
    /// Calls that had not ended at this time, to the second, such as 2026-11-27T08:00:05Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Calls that had begun before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Number of the act under which it was approved, when you ask again.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) act: Option<u64>,
    /// Show the holds you placed; for supervisors and auditors, those on the data of their agency.
    #[arg(long, conflicts_with_all = ["release", "person", "number", "facility", "everything", "from", "until"])]
    pub(crate) list: bool,
    /// Release the hold with this number: your own, or one on the data of your agency, for its
    /// supervisors.
    #[arg(long, value_name = "HOLD", requires = "reason")]
    pub(crate) release: Option<u32>,
    /// Why it is released.
    #[arg(long, value_name = "WORDS", requires = "release")]
    pub(crate) reason: Option<String>,
    /// Print the answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
