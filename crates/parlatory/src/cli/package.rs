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
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
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
