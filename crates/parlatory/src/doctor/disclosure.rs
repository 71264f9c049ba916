//! What `doctor` says of the console, and of what a disclosure needs.

use std::path::Path;

use super::Findings;
use crate::{
    audit::read_verifier,
    config::{Asked, Config},
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

    /// Who must have seen the log, and where keyholders are asked.
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
        let made = ["agency", "independent"].map(|holder| data.keyholder(holder));
        match settings.keyholders(data.root(), made) {
            Err(error) => self.problem("keyholders", format!("{error:#}")),
            Ok(asked) => {
                for holder in asked {
                    match holder {
                        Asked::Here(folder) if !folder.join("keys").is_dir() => self.know(
                            "keyholders",
                            format!(
                                "`{}` holds no keys: recordings open when the settings say where the keyholders \
                                 are asked",
                                folder.display()
                            ),
                        ),
                        Asked::Here(_) | Asked::There(_) => {}
                    }
                }
            }
        }
    }
}
