//! A node of our county as a child process, and what is left of it when it has ended.

use std::{
    fs,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use store::{CallFilter, CallRow, ColumnKeys, Store};
use tempfile::TempDir;

use crate::{
    county, place,
    private::assert_nothing_personal,
    process::{Finished, Process, SOON, parlatory, program},
};

/// A running node.
pub(crate) struct Node {
    /// Where it takes SIP.
    pub(crate) sip: SocketAddr,
    process: Process,
    folder: TempDir,
    /// Where its console is.
    pub(crate) console: String,
}

/// What a node left behind.
pub(crate) struct Remains {
    /// Its exit status, steps and log.
    pub(crate) finished: Finished,
    folder: TempDir,
}

impl Node {
    /// Makes a data folder and a county, and starts a node whose trunk is this port.
    pub(crate) fn start(trunk: u16) -> Self {
        Self::start_with(trunk, "", "")
    }

    /// The same with something of its settings replaced.
    pub(crate) fn start_with(trunk: u16, setting: &str, replacement: &str) -> Self {
        Self::start_under(&[], trunk, setting, replacement)
    }

    /// The same, started by another command, which becomes the node.
    pub(crate) fn start_under(
        command: &[&str],
        trunk: u16,
        setting: &str,
        replacement: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        init(&data);
        edit(&data.join("parlatory.toml"), setting, replacement);
        Self::start_prepared(command, folder, trunk)
    }

    /// Starts a node on the folder `data` in `folder`, which somebody made.
    pub(crate) fn start_prepared(command: &[&str], folder: TempDir, trunk: u16) -> Self {
        let file = county::write(&folder.path().join("county"), place::address(trunk));
        provision(&folder.path().join("data"), &file).well();
        Self::start_on(command, folder)
    }

    /// Starts a node on the folder `data` in `folder`, in which everything is provisioned.
    pub(crate) fn start_on(command: &[&str], folder: TempDir) -> Self {
        let process = serve_under(command, &folder.path().join("data"));
        let ready = process.wait_line(READY, SOON);
        let sip = ready.strip_prefix(READY).unwrap().parse().unwrap();
        let console = process.wait_line(CONSOLE, SOON);
        let console = console.strip_prefix(CONSOLE).unwrap().to_owned();
        Self { sip, process, folder, console }
    }

    /// The ports on which it takes audio.
    pub(crate) fn audio_ports(&self) -> RangeInclusive<u16> {
        let settings = fs::read_to_string(self.folder.path().join("data/parlatory.toml")).unwrap();
        let ports = settings.lines().find_map(|line| line.trim().strip_prefix("ports = ["));
        let (first, last) = ports.unwrap().split_once(", ").unwrap();
        let last = last.split(']').next().unwrap();
        first.parse().unwrap()..=last.parse().unwrap()
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its number as a process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until a step that contains `text` was made, by any call.
    pub(crate) fn wait_step(&self, text: &str, within: Duration) {
        self.process.wait_line(text, within);
    }

    /// Waits until its log has `text`.
    pub(crate) fn wait_log(&self, text: &str) {
        self.process.wait_log(text, SOON);
    }

    /// Lets people talk for a while.
    pub(crate) fn hears_talk_for(&self, time: Duration) {
        self.process.lives_on_for(time);
    }

    /// Says once more, or for the first time, that it is to stop, and waits until it has heard it.
    pub(crate) fn ask_to_stop(&self) {
        self.process.signal(Signal::TERM);
        self.process.wait_log("no new calls from now on", SOON);
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_end(self, within: Duration) -> Remains {
        let finished = self.process.wait_end(within);
        // Whatever a call was, nobody may read it here.
        assert_nothing_personal(&finished.out);
        assert_nothing_personal(&finished.err);
        Remains { finished, folder: self.folder }
    }

    /// Stops it, all calls being over.
    pub(crate) fn stop(self) -> Remains {
        self.ask_to_stop();
        self.wait_end(SOON)
    }
}

/// The store of a data folder, with its key.
pub(crate) fn open_store(data: &Path) -> Store {
    let key = fs::read(data.join("keys").join("store.key")).unwrap();
    let keys = ColumnKeys::new(key.try_into().unwrap());
    Store::open(&data.join("store").join("parlatory.db"), &keys).unwrap()
}

impl Remains {
    /// Its store.
    pub(crate) fn store(&self) -> Store {
        open_store(&self.data())
    }

    /// The records of its calls; fails when there are not so many.
    #[track_caller]
    pub(crate) fn calls<const N: usize>(&self) -> [CallRow; N] {
        let rows = self.store().calls(&CallFilter::default()).unwrap();
        rows.try_into().unwrap_or_else(|rows: Vec<_>| panic!("{} calls: {rows:?}", rows.len()))
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts a node on it again.
    pub(crate) fn start_again(self) -> Node {
        Node::start_on(&[], self.folder)
    }

    /// How many of its steps contain `text`.
    pub(crate) fn steps(&self, text: &str) -> usize {
        self.finished.out.lines().filter(|line| line.contains(text)).count()
    }
}

/// Makes a data folder whose node takes ports that nobody else uses.
pub(crate) fn init(data: &Path) {
    parlatory(&["init", "--data", data.to_str().unwrap()]).well();
    let first = place::ports(AUDIO_PORTS);
    let settings = data.join("parlatory.toml");
    edit(&settings, "127.0.0.1:5060", "127.0.0.1:0");
    edit(&settings, "127.0.0.1:8480", "127.0.0.1:0");
    edit(&settings, "[40000, 49999]", &format!("[{first}, {}]", first + AUDIO_PORTS - 1));
}

/// Replaces text in a file, which must hold it.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Applies a provision file.
pub(crate) fn provision(data: &Path, file: &Path) -> Finished {
    parlatory(&["provision", file.to_str().unwrap(), "--data", data.to_str().unwrap()])
}

/// Starts a node on a data folder.
pub(crate) fn serve(data: &Path) -> Process {
    serve_under(&[], data)
}

fn serve_under(command: &[&str], data: &Path) -> Process {
    let program = program();
    let mut command = match command {
        [first, rest @ ..] => {
            let mut under = Command::new(first);
            under.args(rest).arg(program.get_program());
            under
        }
        [] => program,
    };
    Process::start("the node", command.args(SERVE).arg(data).env("RUST_LOG", EVERYTHING))
}

/// The most that an operator can ask for, of all libraries too: that is when a log would leak.
const EVERYTHING: &str = "trace,rsipstack=trace,sqlx=trace";

/// With the tests, if they are killed, ends the node.
const SERVE: [&str; 4] = ["serve", "--steps", "--until-stdin-closes", "--data"];

/// What a node prints, followed by its address, when it takes calls.
pub(crate) const READY: &str = "ready: SIP on udp ";

/// What it says before that, followed by the address of its console.
const CONSOLE: &str = "console: ";

/// Ten calls of two legs of two ports, and some to spare.
const AUDIO_PORTS: u16 = 60;
