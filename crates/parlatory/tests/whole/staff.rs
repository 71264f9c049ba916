//! Staff at their own terminals: from the token of the set-up to a grant, a review, and the end of
//! somebody's access.

use std::{
    net::UdpSocket,
    time::{SystemTime, UNIX_EPOCH},
};

use model::Timestamp;
use serde_json::Value;

use crate::{
    authenticator::code,
    console::Person,
    node::Node,
    place,
    private::{assert_free_of, assert_nothing_personal},
    process::{Finished, SOON},
};

const PASSWORD: &str = "lantern quietly orbiting";

/// Somebody who logs in.
pub(crate) struct Member {
    pub(crate) at: Person,
    url: String,
    pub(crate) name: &'static str,
    password: String,
}

impl Member {
    pub(crate) fn new(node: &Node, name: &'static str) -> Self {
        let at = Person::new();
        let password = at.file("password", &format!("{PASSWORD}\n"));
        Self { at, url: node.console.clone(), name, password }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.at.run(arguments)
    }

    /// A supervisor of the county, logged in, made by the first it-admin.
    pub(crate) fn supervisor(node: &Node) -> Self {
        let (admin, supervisor) = (Self::new(node, "ada-quill"), Self::new(node, "sol-marsh"));
        admin.log_in(&admin.first(node, "cedar").well());
        admin.adds(&supervisor, "supervisor");
        supervisor
    }

    /// Is let in as the first, by the token of the set-up.
    pub(crate) fn first(&self, node: &Node, agency: &str) -> Finished {
        let token = node.data().join("console").join("setup.token");
        let token = ["--token-file", token.to_str().unwrap(), "--password-file", &self.password];
        let who = ["staff", "first", "--url", &self.url, "--agency", agency, "--name", self.name];
        self.run(&[&who[..], &token, &["--json"]].concat())
    }

    /// Chooses a password, and logs in with the code of the secret that this shows.
    fn enrol(&self, token: &str) {
        let token = self.at.file("token", token);
        let rest = ["--name", self.name, "--token-file", &token, "--password-file", &self.password];
        let enrol = ["staff", "enrol", "--json", "--url", &self.url];
        self.log_in(&self.run(&[&enrol[..], &rest].concat()).well());
    }

    pub(crate) fn log_in(&self, enrolled: &Finished) {
        let enrolled: Value = serde_json::from_str(&enrolled.out).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::default().after(now);
        let code = code(enrolled["secret"].as_str().unwrap(), now).unwrap();
        let rest = ["--password-file", &self.password, "--code", &code];
        self.run(&[&["login", "--url", &self.url, "--name", self.name][..], &rest].concat()).well();
    }

    /// Adds somebody and lets them in.
    pub(crate) fn adds<'a>(&self, other: &'a Member, role: &str) -> &'a Member {
        let added = self.run(&["staff", "add", other.name, "--role", role, "--json"]).well();
        let added: Value = serde_json::from_str(&added.out).unwrap();
        other.enrol(added["token"].as_str().unwrap());
        other
    }

    /// Adds somebody with whose calls they shall see, and lets them in; gives the number under
    /// which that waits.
    pub(crate) fn adds_tied(&self, other: &Self, whose: &[&str]) -> u64 {
        let add = [&["staff", "add", other.name, "--json"][..], whose].concat();
        let added: Value = serde_json::from_str(&self.run(&add).well().out).unwrap();
        other.enrol(added["token"].as_str().unwrap());
        added["tie"]["act"].as_u64().unwrap()
    }
}

#[test]
fn staff_come_by_the_token_of_the_set_up_work_under_grants_and_go_at_once() {
    let node = Node::start(place::ports(2));
    let member = |name| Member::new(&node, name);
    let (ada, sol, ivy) = (member("ada-quill"), member("sol-marsh"), member("ivy-fenn"));
    let first = |agency: &str| ada.first(&node, agency);
    assert!(first("no-such-county").badly().err.contains("there is no such thing here"));
    ada.log_in(&first("cedar").well());
    assert!(first("cedar").badly().err.contains("ask an it-admin"));
    ada.adds(&sol, "supervisor");
    ada.adds(&ivy, "investigator");
    let staff = ada.run(&["staff", "list"]).well().out;
    assert!(staff.starts_with("number  name"), "{staff}");
    assert_eq!(staff.lines().count(), 4, "{staff}");

    let give = ["grant", "give", ivy.name, "--case", "24-CR-0117", "--purpose", "investigation"];
    let give = [&give[..], &["--verb", "search", "--rows", "9", "--days", "3"]].concat();
    assert!(ivy.run(&give).badly().err.contains("a grant is given by a supervisor"));
    assert!(sol.run(&give).well().out.contains("grant 1"));
    let grants = ivy.run(&["grant", "list"]).well().out;
    assert!(grants.contains("24-CR-0117") && grants.contains("0 of 9"), "{grants}");
    let broken = ivy.run(&["glass", "break", "--reason", "a threat to a life"]).well().out;
    assert!(broken.contains("72 hours"), "{broken}");
    let review = sol.run(&["access", "review", "--case", "audit 4"]).well().out;
    for part in ["unused grant", "could", "grant-and-approval", "glass-open", "1 alarms"] {
        assert!(review.contains(part), "{part}: {review}");
    }
    assert_eq!(sol.run(&["disclose", "waiting", "--json"]).well().out.trim(), "[]");
    for judged in [&["disclose", "approve", "99"][..], &["disclose", "deny", "99", "--why", "no"]] {
        assert!(sol.run(judged).badly().err.contains("there is no such thing here"));
    }
    let policy = sol.run(&["policy", "show"]).well().out;
    assert!(policy.contains("@id(\"approve\")"), "{policy}");
    let own = ivy.at.file("own.cedar", "permit all");
    assert!(ivy.run(&["policy", "set", &own]).badly().err.contains("set by a supervisor"));

    assert!(ada.run(&["staff", "revoke", ivy.name]).well().out.contains("have ended"));
    assert!(ivy.run(&["grant", "list"]).badly().err.contains("parlatory login"));
    let remains = node.stop();
    let data = remains.data();
    let doctor = ada.run(&["doctor", "--data", data.to_str().unwrap()]).out;
    assert!(doctor.contains("1 broken glasses to be reviewed"), "{doctor}");
    assert_free_of(&doctor, [ada.name, sol.name, ivy.name]);
    assert_nothing_personal(&remains.finished.err);
    assert_free_of(&remains.finished.err, [ada.name, sol.name, ivy.name, "24-CR-0117", PASSWORD]);
}

#[test]
fn who_keeps_it_running_sees_how_the_node_does_and_what_it_refused() {
    let node = Node::start(place::ports(2));
    let member = |name| Member::new(&node, name);
    let (ada, cleo) = (member("ada-quill"), member("cleo-marsh"));
    ada.log_in(&ada.first(&node, "cedar").well());
    ada.adds(&cleo, "clerk");
    let refused = cleo.run(&["status"]).badly().err;
    assert!(refused.contains("no policy permits this to this role"), "{refused}");

    // A transfer, which nobody may ask for.
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_read_timeout(Some(SOON)).unwrap();
    let from = stranger.local_addr().unwrap();
    let refer = format!(
        "REFER sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKtransfer\r\n\
         From: <sip:a@{from}>;tag=1\r\nTo: <sip:b@{0}>\r\nCall-ID: transfer\r\nCSeq: 1 REFER\r\n\
         Contact: <sip:a@{from}>\r\nRefer-To: <sip:c@{from}>\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n",
        node.sip
    );
    stranger.send_to(refer.as_bytes(), node.sip).unwrap();
    let mut answer = [0; 2_000];
    let length = stranger.recv(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 603 "));

    let status: Value = serde_json::from_str(&ada.run(&["status", "--json"]).well().out).unwrap();
    assert_eq!(status["counts"]["sip_refused_transfer"], 1, "{status}");
    assert_eq!(status["calls"]["stages"]["talking"], 0, "{status}");
    assert!(status["calls"]["recorded"].is_null(), "{status}");
    assert_eq!(status["trunks"][0]["state"], "up", "{status}");
    assert_eq!(status["written"]["log_open"], true, "{status}");
    assert_eq!(status["custody"], "solo", "{status}");
    assert_eq!(status["keyholders"].as_array().unwrap().len(), 2, "{status}");
    let stations = status["stations"]["each"].as_array().unwrap();
    assert!(stations.iter().any(|it| it["station"] == "cedar/jail/a/line-1"), "{status}");
    let shown = ada.run(&["status"]).well().out;
    for part in
        ["Calls now: 0", "transfers (REFER, Replaces), refused", "% free", "Registry: epoch"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_nothing_personal(&shown);
    let remains = node.stop();
    assert_nothing_personal(&remains.finished.err);
}

#[test]
fn what_is_closed_is_listed_kept_and_opened_by_its_number() {
    let node = Node::start(place::ports(2));
    let sol = Member::supervisor(&node);
    let close = |what: &[&str]| {
        sol.run(&[&["calls", "close"][..], what, &["--reason", "a threat in the unit"]].concat())
    };
    let done = close(&["--unit", "cedar/jail/a"]).well().out;
    assert!(done.contains("stay open") && done.contains("parlatory calls open"), "{done}");
    close(&["--person", "T-1"]).well();
    assert!(close(&["--station", "cedar/jail/z"]).badly().err.contains("no such thing here"));
    assert!(close(&[]).err.contains("--facility"), "something must be named");
    assert!(close(&["--facility", "cedar/jail", "--everything"]).err.contains("--until"));
    let far = ["--facility", "cedar/jail", "--everything", "--until", "2999-01-01T00:00:00Z"];
    assert!(close(&far).badly().err.contains("within 24 hours"));
    let listed = sol.run(&["calls", "closed", "--json"]).well().out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["what"], &listed[0]["place"]), (&"unit".into(), &"cedar/jail/a".into()));
    assert_eq!(listed[1]["what"], "person");
    assert!(!listed.to_string().contains("T-1"), "{listed}");
    let act = listed[0]["act"].to_string();
    let open = || sol.run(&["calls", "open", &act, "--reason", "it is over"]);
    open().well();
    assert!(open().badly().err.contains("no such thing here"));
    let shown = sol.run(&["calls", "closed"]).well().out;
    assert_eq!(shown.lines().count(), 2, "{shown}");
    let remains = node.stop();
    assert_nothing_personal(&remains.finished.err);
    assert_eq!(remains.store().closings().unwrap().len(), 1);
}
