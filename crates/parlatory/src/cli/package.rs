//! What can be typed after `parlatory package`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What the recipient of a package can do, or whoever they show it to. Nothing here asks a node.
#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Check that a package is what was handed out, and that its handing out stands in the log.
    ///
    /// Give keys that you got in another way than the package. A sealed package needs its
    /// passphrase. Ends with 0 when everything fits. Example: `parlatory package check call.zip
    /// --passphrase-file words --key log.vkey --tsa authority.pem`.
    Check(CheckArgs),
    /// Make a pair of keys for packages that are sealed to you; prints the public one.
    ///
    /// Give the public key to whoever hands you packages (`parlatory disclose export --key`), and
    /// keep the file: what is sealed to you opens with it alone. Example: `parlatory package key
    /// --to recipient.secret`.
    Key(KeyArgs),
    /// Open a sealed package: checks it as `check` does, and writes what lies in it into a folder.
    ///
    /// It opens with the letter that came with it and your key, or with its passphrase. Nothing is
    /// written when anything does not fit. Example: `parlatory package open call.zip --letter
    /// call.zip.letter --letter-key recipient.secret --key log.vkey --into call`.
    Open(OpenArgs),
    /// Sign that you have a package: checks it, and writes a receipt for whoever handed it out.
    ///
    /// The key is made on the spot where you have none, and kept in a file of your own. Example:
    /// `parlatory package receive package.zip --key log.vkey --sign-with recipient.key --to
    /// receipt.txt`.
    Receive(ReceiveArgs),
}

/// Arguments of `package check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The package, sealed or not.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A file with the passphrase of a sealed package.
    #[arg(long, value_name = "FILE", conflicts_with = "letter")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The letter that came with a package that is sealed to your key.
    #[arg(long, value_name = "FILE", requires = "letter_key")]
    pub(crate) letter: Option<PathBuf>,
    /// The file with your private key, as `package key` made it, to open the letter.
    #[arg(long, value_name = "FILE", requires = "letter")]
    pub(crate) letter_key: Option<PathBuf>,
    /// The log's verifier key, or the file it stands in.
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: String,
    /// A witness's verifier key, or its file. May be given several times.
    #[arg(long, value_name = "VKEY")]
    pub(crate) witness: Vec<String>,
    /// How many of these witnesses must have seen the log; all, where it is left out.
    #[arg(long, value_name = "COUNT", requires = "witness")]
    pub(crate) quorum: Option<usize>,
    /// Certificates (PEM) of an authority whose time stamps you believe. Several may be given.
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa: Vec<PathBuf>,
    /// The time stamp, where it came beside an unsealed package.
    #[arg(long, value_name = "FILE")]
    pub(crate) stamp: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `package key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// A new file for the private key, readable by you alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `package open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(crate) check: CheckArgs,
    /// A new folder for what lies in it, readable by you alone.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) into: PathBuf,
}

/// Arguments of `package receive`.
#[derive(Debug, Args)]
pub(crate) struct ReceiveArgs {
    #[command(flatten)]
    pub(crate) check: CheckArgs,
    /// File with the key to sign with; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_with: PathBuf,
    /// A new file for the receipt.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}
