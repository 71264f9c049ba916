//! A county whose keys are elsewhere, set up as `docs/operating.md` says: two keyholders over HTTPS
//! with mutual TLS, and an authority that stamps times. A recording is heard and taken away by the
//! commands, with keyholders that are away, that rotated their key, that came out of a safe and
//! that have no port.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    county,
    node::{self, Node, Remains},
    place,
    private::assert_nothing_personal,
    process::{CALL, Finished, Process, SOON, parlatory, program},
    sipp::{self, Caller},
    staff::Member,
    stamping::Authority,
};

/// A keyholder in a folder of its own, and where it listens.
struct Keyholder {
    folder: PathBuf,
    address: String,
    public: String,
}

impl Keyholder {
    /// Makes its first key. It always listens at the same place, as a court's machine does.
    fn init(root: &Path, name: &str) -> Self {
        let folder = root.join(name);
        let said = parlatory(&["keyholder", "init", "--folder", text(&folder)]).well().out;
        let public = said.lines().next().unwrap().to_owned();
        assert!(public.starts_with("parlatory-keyholder:"), "{said}");
        // A port that nobody has; the listener that found it is gone when it is used.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        certificates(&folder.join("tls"), name);
        Self { folder, address, public }
    }

    /// Fills in its settings: the log that it believes, and whose clients may ask.
    fn believe(&self, log: &str) {
        let settings = format!(
            "log = \"{}\"\n[serve]\nlisten = \"{}\"\ncertificate = \"tls/own.pem\"\n\
             key = \"tls/own.key\"\nclients = \"tls/ca.pem\"\n",
            log.trim(),
            self.address
        );
        fs::write(self.folder.join("keyholder.toml"), settings).unwrap();
    }

    fn serve(&self) -> Process {
        let mut command = program();
        command.args(["keyholder", "serve", "--folder"]).arg(&self.folder);
        let process = Process::start("a keyholder", &mut command);
        process.wait_line("listening on", SOON);
        process
    }

    /// What a node's settings say about it.
    fn settings(&self, name: &str) -> String {
        let tls = self.folder.join("tls");
        let file = |name: &str| text(&tls.join(name)).to_owned();
        format!(
            "[[disclosure.keyholders]]\naddress = \"{}\"\nname = \"{name}.example\"\n\
             certificate = \"{}\"\nkey = \"{}\"\nauthority = \"{}\"\n",
            self.address,
            file("node.pem"),
            file("node.key"),
            file("ca.pem")
        )
    }

    /// The same, for a node that runs its program.
    fn command(&self) -> String {
        let program = program();
        format!(
            "[[disclosure.keyholders]]\ncommand = [{:?}, \"keyholder\", \"{{do}}\", \"--folder\", {:?}]\n",
            program.get_program(),
            self.folder
        )
    }

    fn run(&self, command: &str) -> Finished {
        parlatory(&["keyholder", command, "--folder", text(&self.folder)]).well()
    }
}

/// Certificates of a keyholder's own authority: for itself, and for the node that may ask.
fn certificates(folder: &Path, name: &str) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    fs::create_dir_all(folder).unwrap();
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join("ca.pem"), params.self_signed(&own).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, own);
    for (file, name) in [("own", format!("{name}.example")), ("node", "node.example".to_owned())] {
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name]).unwrap();
        let certificate = params.signed_by(&pair, &issuer).unwrap();
        fs::write(folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{file}.key")), pair.serialize_pem()).unwrap();
    }
}

/// A data folder whose recordings are sealed to keys that were made elsewhere.
fn prepared(root: &Path, keyholders: &[(&str, &Keyholder)], authority: &Authority) {
    let data = root.join("data");
    node::init(&data);
    let settings = data.join("parlatory.toml");
    // At one place, so that a session outlives a restart.
    let console = format!("listen = \"127.0.0.1:{}\"", place::ports(2));
    let text_of = fs::read_to_string(&settings).unwrap();
    let at = text_of.find("[console]").unwrap();
    let (before, after) = text_of.split_at(at);
    fs::write(
        &settings,
        before.to_owned() + &after.replacen("listen = \"127.0.0.1:0\"", &console, 1),
    )
    .unwrap();
    let mut more = format!(
        "\n[disclosure.tsa]\nurl = \"{}\"\nauthority = \"{}\"\n",
        authority.url,
        text(&authority.certificate())
    );
    for (name, keyholder) in keyholders {
        keyholder.believe(&fs::read_to_string(data.join("log.vkey")).unwrap());
        let public = data.join("keyholders").join(format!("{name}.pub"));
        fs::write(public, format!("{}\n", keyholder.public)).unwrap();
        fs::remove_dir_all(data.join("keyholders").join(name)).unwrap();
        more += &keyholder.settings(name);
    }
    let mut file = fs::OpenOptions::new().append(true).open(&settings).unwrap();
    file.write_all(more.as_bytes()).unwrap();
}

/// One call that is recorded.
fn call(node: &Node, trunk: u16) {
    let folder = sipp::folder();
    let called = sipp::called(folder.path(), trunk, 1, "1");
    let calls = [(Caller { person: 3, turns: TALKS }, county::number(3))];
    sipp::stations_calling(folder.path(), node, &calls).wait_end(CALL).well();
    called.wait_end(SOON).well();
}

#[test]
fn keyholders_elsewhere_open_what_the_log_proves_with_sipp_and_with_openssl() {
    let (root, authority) = (tempfile::tempdir().unwrap(), Authority::start());
    let folder = tempfile::tempdir().unwrap();
    let agency = Keyholder::init(root.path(), "agency");
    let mut court = Keyholder::init(root.path(), "independent");
    prepared(folder.path(), &[("agency", &agency), ("independent", &court)], &authority);
    let trunk = place::ports(2);
    let (_first, second) = (agency.serve(), court.serve());
    let node = Node::start_prepared(&[], folder, trunk);
    let (sol, ivy) = staffed(&node);
    call(&node, trunk);
    let recording = found(&ivy, &node);
    let wav = |name: &str| root.path().join(name);

    // Both open against the entry; nobody else's word is asked.
    hear(&ivy, &recording, &wav("one.wav")).well();
    assert!(fs::metadata(wav("one.wav")).unwrap().len() > 16_000);
    taken_away(&ivy, &sol, &recording, root.path(), &node, &authority);
    sealed_to_a_key(&ivy, &recording, root.path(), &node);

    // One that is away opens nothing, and the other alone neither.
    drop(second);
    let away = hear(&ivy, &recording, &wav("two.wav")).badly();
    assert!(away.err.contains("keyholder cannot be reached"), "{}", away.err);
    assert!(!wav("two.wav").exists());

    // Out of the safe: another machine, with the key that was typed from the sheet.
    let sheet = court.run("sheet").out;
    let safe = Keyholder { folder: root.path().join("safe"), ..clone(&court) };
    restore(&safe.folder, &sheet);
    copy_tls(&court.folder, &safe.folder);
    safe.believe(&fs::read_to_string(node.data().join("log.vkey")).unwrap());
    let second = safe.serve();
    hear(&ivy, &recording, &wav("three.wav")).well();
    drop(second);

    // A new key for what comes; the old one still opens what was sealed to it.
    let rotated = court.run("rotate").out;
    court.public = rotated.lines().next().unwrap().to_owned();
    let remains: Remains = node.stop();
    assert_nothing_personal(&remains.finished.err);
    let public = remains.data().join("keyholders/independent.pub");
    fs::write(public, format!("{}\n", court.public)).unwrap();
    let doctor = parlatory(&["doctor", "--data", text(&remains.data())]).out;
    for says in ["split: two keys that were not made here", "2 are asked for keys", &authority.url]
    {
        assert!(doctor.contains(says), "{says}: {doctor}");
    }
    // From now on without a port: the court's program is run for each request.
    let settings = remains.data().join("parlatory.toml");
    let so_far = fs::read_to_string(&settings).unwrap();
    let from_now = so_far.replace(&court.settings("independent"), &court.command());
    assert_ne!(so_far, from_now);
    fs::write(&settings, from_now).unwrap();
    let node = remains.start_again();
    hear(&ivy, &recording, &wav("four.wav")).well();
    assert_eq!(fs::read(wav("one.wav")).unwrap(), fs::read(wav("four.wav")).unwrap());
    let status = court.run("status").out;
    assert!(status.contains("current key") && status.contains("older key"), "{status}");
    node.stop();
}

/// A supervisor, and an investigator who may work on a case.
fn staffed(node: &Node) -> (Member, Member) {
    let member = |name| Member::new(node, name);
    let (ada, sol, ivy) = (member("ada-quill"), member("sol-marsh"), member("ivy-fenn"));
    ada.log_in(&ada.first(node, "cedar").well());
    ada.adds(&sol, "supervisor");
    ada.adds(&ivy, "investigator");
    let give = ["grant", "give", ivy.name, "--case", CASE, "--purpose", "investigation"];
    let verbs = ["--verb", "search", "--verb", "listen", "--verb", "export"];
    sol.run(&[&give[..], &verbs, &["--rows", "50", "--days", "3"]].concat()).well();
    (sol, ivy)
}

/// The number of the one call that was recorded, once it is booked.
fn found(ivy: &Member, node: &Node) -> String {
    let search = ["disclose", "search", "--recorded", "true", "--json"];
    for _ in 0..SEARCHES_MAX {
        let page = json(&ivy.run(&[&search[..], &WHY].concat()).well());
        if let [call] = page["records"].as_array().unwrap().as_slice() {
            return call["call"].as_str().unwrap().to_owned();
        }
        node.hears_talk_for(Duration::from_millis(500));
    }
    panic!("no call was recorded")
}

fn hear(ivy: &Member, recording: &str, to: &Path) -> Finished {
    ivy.run(&[&["disclose", "listen", recording, "--to", text(to)][..], &WHY].concat())
}

/// A package with a stamp, which its recipient checks and signs for.
fn taken_away(
    ivy: &Member,
    sol: &Member,
    recording: &str,
    root: &Path,
    node: &Node,
    authority: &Authority,
) {
    let (zip, words) = (root.join("call.zip"), root.join("words"));
    let export = ["disclose", "export", "--recording", recording, "--for", "court", "--json"];
    let told = json(&ivy.run(&[&export[..], &["--to", text(&zip)], &WHY].concat()).well());
    assert_eq!(told.get("unstamped"), Some(&Value::Null), "{told}");
    fs::write(&words, told["passphrase"].as_str().unwrap()).unwrap();
    let (log, certificate) = (node.data().join("log.vkey"), authority.certificate());
    let (key, receipt) = (root.join("recipient.key"), root.join("receipt.txt"));
    let believing = ["--passphrase-file", text(&words), "--key", text(&log), "--tsa"];
    let package = |verb: &'static str, more: &[&str]| {
        let what = ["package", verb, text(&zip), "--json"];
        parlatory(&[&what[..], &believing, &[text(&certificate)], more].concat())
    };
    let checked = json(&package("check", &[]).well());
    assert_eq!((&checked["time_stamp"], &checked["sha256"]), (&"checked".into(), &told["sha256"]));
    // Under another log's key it is worth nothing.
    let other = root.join("other.vkey");
    let stranger =
        tlog::Signer::from_seed("pine.example/log", tlog::KeyKind::Log, &[7; 32]).unwrap();
    fs::write(&other, stranger.verifier().to_string()).unwrap();
    let forged = ["package", "check", text(&zip), "--passphrase-file", text(&words), "--key"];
    let forged = parlatory(&[&forged[..], &[text(&other)]].concat()).badly();
    assert!(forged.err.contains("no signature of `pine.example/log`"), "{}", forged.err);
    let signs = ["--sign-with", text(&key), "--to", text(&receipt)];
    let signed = json(&package("receive", &signs).well());
    let entered = json(&ivy.run(&["disclose", "receipt", text(&receipt), "--json"]).well());
    assert_eq!((&entered["act"], &entered["key"]), (&told["act"], &signed["key"]));
    let listed = sol.run(&["disclose", "list", "--purpose", "audit", "--case", "review 1"]).well();
    assert!(listed.out.lines().any(|line| line.contains("received 20")), "{}", listed.out);
}

/// A package for the defence, who made a key: it opens with their letter and key alone, and says
/// that a court has a copy.
fn sealed_to_a_key(ivy: &Member, recording: &str, root: &Path, node: &Node) {
    let (secret, other, zip) = (root.join("secret"), root.join("other"), root.join("own.zip"));
    let made = json(&parlatory(&["package", "key", "--to", text(&secret), "--json"]).well());
    parlatory(&["package", "key", "--to", text(&other)]).well();
    let public = made["key"].as_str().unwrap();
    let note = ["--note", "all of {key}", "--key", public];
    let export = ["disclose", "export", "--recording", recording, "--for", "defence"];
    let told = ivy.run(&[&export[..], &note, &["--to", text(&zip)], &WHY].concat()).well();
    assert!(told.out.contains("7-Zip") && told.out.contains("own.zip.letter"), "{}", told.out);
    let (letter, into) = (root.join("own.zip.letter"), root.join("opened"));
    let log = node.data().join("log.vkey");
    let open = |key: &Path| {
        let what = ["package", "open", text(&zip), "--letter", text(&letter), "--letter-key"];
        let into = ["--key", text(&log), "--into", text(&into), "--json"];
        parlatory(&[&what[..], &[text(key)], &into].concat())
    };
    let refused = open(&other).badly();
    assert!(refused.err.contains("another key") && !into.exists(), "{}", refused.err);
    let opened = json(&open(&secret).well());
    let manifest = fs::read(into.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(opened["package"]["entry"], manifest["disclosure"]["entry"]);
    assert_eq!(manifest["disclosure"]["package_key"], public);
    assert_eq!(
        (&manifest["audience"], &manifest["note"]),
        (&"defence".into(), &"all of {key}".into())
    );
    assert_eq!(manifest["copies"][0]["audience"], "court");
    for file in ["package.zip", "README.txt"] {
        assert!(into.join(file).is_file(), "{file}");
    }
    assert!(into.join("audio").join(format!("{recording}.wav")).is_file());
}

/// The keyholder whose key came out of a safe.
fn restore(folder: &Path, sheet: &str) {
    let mut command: Command = program();
    command.args(["keyholder", "restore", "--folder"]).arg(folder);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut process = place::starting(|| command.spawn()).unwrap();
    process.stdin.take().unwrap().write_all(sheet.as_bytes()).unwrap();
    assert!(process.wait().unwrap().success());
}

fn clone(keyholder: &Keyholder) -> Keyholder {
    let Keyholder { folder, address, public } = keyholder;
    Keyholder { folder: folder.clone(), address: address.clone(), public: public.clone() }
}

fn copy_tls(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("tls")).unwrap();
    for file in fs::read_dir(from.join("tls")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join("tls").join(file.file_name())).unwrap();
    }
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.out).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const CASE: &str = "24-CR-0117";
const WHY: [&str; 4] = ["--purpose", "investigation", "--case", CASE];
/// Turns of two seconds: the price and the notice, up to three seconds until the key, and some
/// talk.
const TALKS: usize = 25;
const SEARCHES_MAX: usize = 40;
