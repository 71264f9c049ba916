//! Staff at their own terminals: from the token of the set-up to a grant, a review, and the end of
//! somebody's access.

use std::time::{SystemTime, UNIX_EPOCH};

use model::Timestamp;
use serde_json::Value;

use crate::{
    authenticator::code,
    console::Person,
    node::Node,
    place,
    private::{assert_free_of, assert_nothing_personal},
    process::Finished,
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
