//! What `doctor` says of the console, and of what a disclosure needs.

use std::path::Path;

use export::Custody;

use super::Findings;
use crate::{
    audit::read_verifier,
    authority,
    config::Config,
    custody::{self, Grade},
    data::Data,
};

impl Findings {
    /// Where staff, commands and programs ask, and whether somebody on the way could listen.
    pub(super) fn console(&mut self, config: &Config, folder: &Path) {
        let Some(at) = &config.console else {
            let says = "off: there is no `[console]` in the settings, so nothing can be disclosed";
            return self.know("console", says);
        };
        match at.config(folder) {
            Err(error) => self.problem("console", format!("{error:#}")),
            Ok(config) => match &config.tls {
                None => {
                    let listen = config.listen;
                    self.ok("console", format!("http on {listen}, for this machine alone"));
                }
                Some(files) => match files.check() {
                    Ok(()) => self.ok("console", format!("https on {}", config.listen)),
                    Err(error) => self.problem("console", error.to_string()),
                },
            },
        }
    }

    /// Who must have seen the log, where keyholders are asked, and what that is worth.
    pub(super) fn disclosure(&mut self, data: &Data, config: &Config) {
        let settings = &config.disclosure;
        let gate = read_verifier(&data.log_verifier()).and_then(|log| settings.gate(log));
        match (gate, settings.quorum()) {
            (Err(error), _) => self.problem("witnesses", format!("{error:#}")),
            (Ok(_), 0) => self.know(
                "witnesses",
                "none: the log's word alone is believed, and nobody outside could show that two \
                 people are shown different logs",
            ),
            (Ok(_), quorum) => {
                self.ok(
                    "witnesses",
                    format!("{quorum} must have seen the log before a disclosure"),
                );
            }
        }
        if let Some(at) = &settings.tsa {
            match authority::believed(at, data.root()) {
                Err(error) => self.problem("time stamps", format!("{error:#}")),
                Ok(_) => self.ok("time stamps", format!("packages are stamped by `{}`", at.url)),
            }
        }
        match settings.hook() {
            Err(error) => self.problem("on call", format!("{error:#}")),
            Ok(None) => {}
            Ok(Some(_)) => self.ok("on call", "they are told when an act waits".to_owned()),
        }
        match custody::holders(data, config) {
            Err(error) => self.problem("keyholders", format!("{error:#}")),
            Ok(holders) if holders.len() < 2 => self.know(
                "keyholders",
                "nobody is asked for the keys of recordings, so none opens: say under \
                 `[[disclosure.keyholders]]` where the keyholders are",
            ),
            Ok(holders) => {
                self.ok("keyholders", format!("{} are asked for keys", holders.len()));
            }
        }
        match custody::grade(data, config) {
            Err(_) => {}
            Ok(Grade { custody: Custody::Solo, why }) => self.know("custody", why),
            Ok(Grade { custody: Custody::Split | Custody::SplitWithWitnesses, why }) => {
                self.ok("custody", why);
            }
        }
    }
}
