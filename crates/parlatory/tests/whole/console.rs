//! A running node's console, as the commands of staff reach it.

use std::{net::TcpListener, path::Path};

use tempfile::TempDir;

use crate::{
    county,
    node::{self, Node, edit},
    place,
    private::assert_nothing_personal,
    process::{Finished, Process, SOON, program},
};

/// Somebody at a terminal of their own, who keeps their session in a folder that vanishes.
pub(crate) struct Person(TempDir);

impl Person {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn session(&self) -> std::path::PathBuf {
        self.0.path().join("session.json")
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Where a file of theirs is, or may be.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = program();
        command.env("PARLATORY_SESSION", self.session()).args(arguments);
        let mut process = Process::start("parlatory", &mut command);
        process.close_input();
        process.wait_end(SOON)
    }
}

#[test]
fn nobody_is_let_in_who_is_not_known() {
    let node = Node::start(place::ports(2));
    let dana = Person::new();
    let password = dana.file("password", "lantern quietly orbiting\n");
    let url = node.console.clone();
    let arguments = ["login", "--url", &url, "--name", "dana", "--password-file", &password];
    let wrong = dana.run(&[&arguments[..], &["--code", "123456"]].concat()).badly();
    assert!(wrong.err.contains("name, password or code is wrong"), "{}", wrong.err);
    let asked = dana.run(&arguments).badly();
    assert!(asked.err.contains("no terminal to ask"), "{}", asked.err);
    let out = dana.run(&["logout"]).badly();
    assert!(out.err.contains("nobody is logged in here"), "{}", out.err);
    assert!(!dana.session().exists());
    let remains = node.stop();
    assert_nothing_personal(&remains.finished.err);
    assert!(!remains.finished.err.contains("dana"), "{}", remains.finished.err);
    let gone = dana.run(&[&arguments[..], &["--code", "123456"]].concat()).badly();
    assert!(gone.err.contains("is `parlatory serve` running there"), "{}", gone.err);
    let far = ["login", "--url", "http://192.0.2.1:8480", "--name", "dana"];
    assert!(dana.run(&far).badly().err.contains("over https://"));
}

#[test]
fn a_console_that_cannot_be_had_stops_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    node::init(&data);
    let address = format!("[console]\nlisten = \"{}\"", taken.local_addr().unwrap());
    let settings = data.join("parlatory.toml");
    leave_out_comments(&settings);
    edit(&settings, "[console]\nlisten = \"127.0.0.1:0\"", &address);
    let file = county::write(&folder.path().join("county"), place::address(place::ports(2)));
    node::provision(&data, &file).well();
    let mut process = node::serve(&data);
    process.wait_line("ready: SIP on udp", SOON);
    process.wait_log("there is no console", SOON);
    process.close_input();
    process.signal(rustix::process::Signal::TERM);
    process.wait_end(SOON).well();
}

/// So that a section's first key stands right below its name.
fn leave_out_comments(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with('#'));
    std::fs::write(path, kept.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}
