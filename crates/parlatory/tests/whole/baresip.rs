//! baresip as a softphone: it speaks a tone, writes down what it hears, and is led over TCP.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::Duration,
};

use model::Codec;
use tempfile::TempDir;

use crate::{
    node::Node,
    place,
    process::{Finished, Process, SOON},
    sipp::foreign,
    sound::read_wav,
};

/// A softphone.
pub(crate) struct Phone {
    process: Process,
    control: TcpStream,
    folder: TempDir,
}

/// What a softphone is told about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    /// The file of its account, in `tests/foreign/baresip`.
    pub(crate) account: &'a str,
    /// Its SIP port.
    pub(crate) port: u16,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    pub(crate) codec: Codec,
    /// Pitch of the tone it speaks, in Hz.
    pub(crate) tone: u32,
    /// Where it speaks TLS, if it does.
    pub(crate) secure: Option<Secure<'a>>,
}

/// How a softphone speaks TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure<'a> {
    /// Where the node takes TLS.
    pub(crate) node: SocketAddr,
    /// Whom it believes about the node's certificate.
    pub(crate) authority: &'a Path,
}

/// What a softphone heard in its call, and what the program said.
pub(crate) struct Heard {
    /// Samples, from the beginning of its audio to the end of its call.
    pub(crate) samples: Vec<i16>,
    pub(crate) finished: Finished,
}

impl Phone {
    /// Starts a softphone with an account at the node.
    pub(crate) fn start(settings: Settings<'_>, node: &Node) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (rtp, control) = (place::ports(8), place::ports(2));
        let codec = match settings.codec {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        };
        let fill = |name: &str, file: &str| {
            let text = fs::read_to_string(foreign().join("baresip").join(name)).unwrap();
            let text = text
                .replace("@SIP@", &settings.port.to_string())
                .replace("@RTP@", &rtp.to_string())
                .replace("@RTP_END@", &(rtp + 7).to_string())
                .replace("@CONTROL@", &control.to_string())
                .replace("@FOLDER@", folder.path().to_str().unwrap())
                .replace("@TONE@", &settings.tone.to_string())
                .replace("@USER@", settings.user)
                .replace("@NODE@", &settings.secure.map_or(node.sip, |tls| tls.node).to_string())
                .replace("@PASSWORD@", settings.password)
                .replace("@CODEC@", codec);
            fs::write(folder.path().join(file), text).unwrap();
        };
        fill("config", "config");
        if let Some(secure) = settings.secure {
            let path = folder.path().join("config");
            let mut config = fs::read_to_string(&path).unwrap();
            config.push_str("module srtp.so\nsip_verify_server yes\n");
            config.push_str(&format!("sip_cafile {}\n", secure.authority.display()));
            fs::write(path, config).unwrap();
        }
        fill(settings.account, "accounts");
        fs::write(folder.path().join("contacts"), "").unwrap();
        let process =
            Process::start("baresip", Command::new("baresip").arg("-f").arg(folder.path()));
        process.wait_line("baresip is ready", SOON);
        let control = TcpStream::connect(place::address(control)).unwrap();
        Self { process, control, folder }
    }

    /// Waits until it says `text`.
    pub(crate) fn wait_line(&self, text: &str) {
        self.process.wait_line(text, SOON);
    }

    /// Calls somebody at the node.
    pub(crate) fn dial(&mut self, user: &str, node: &Node) {
        self.command(&format!("/dial sip:{user}@{}\n", node.sip));
    }

    /// Calls an address.
    pub(crate) fn call(&mut self, uri: &str) {
        self.command(&format!("/dial {uri}\n"));
    }

    /// Presses keys of the telephone, one after the other.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            sleep(KEY_FOUND);
            self.command(&key.to_string());
            sleep(KEY_HELD);
            self.command("\u{4}");
        }
    }

    /// Hangs up.
    pub(crate) fn hang_up(&mut self) {
        self.command("/hangup\n");
    }

    /// Ends the softphone, whose call is over, and gives what it heard.
    pub(crate) fn quit(mut self) -> Heard {
        self.command("/quit\n");
        let finished = self.process.wait_end(SOON);
        let mut dumps: Vec<PathBuf> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with("-dec.wav"))
            .collect();
        let samples = dumps.pop().map(|dump| read_wav(&dump)).unwrap_or_default();
        assert!(dumps.is_empty(), "one call is one dump");
        Heard { samples, finished }
    }

    fn command(&mut self, text: &str) {
        self.control.write_all(text.as_bytes()).unwrap();
    }
}

/// How long it takes to find a key. Nobody presses one in the moment in which a prompt ends.
const KEY_FOUND: Duration = Duration::from_millis(150);
/// How long a finger stays on it.
const KEY_HELD: Duration = Duration::from_millis(150);
