//! `parlatory staff`, `grant`, `policy`, `access` and `glass`, and what a second person says: asked
//! of a running node.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use model::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    cli::{
        AccessCommand, AddArgs, ApproveArgs, ConsoleArgs, DenyArgs, FirstArgs, GiveArgs,
        GlassCommand, GrantCommand, PlainArgs, PolicyCommand, ReviewArgs, StaffCommand,
    },
    client::{Answer, Client},
    clock::clock,
    login::{ask, password_in},
    print::line,
    table::Table,
    tie,
};

/// Carries out `parlatory staff`.
pub(crate) fn staff(command: &StaffCommand) -> Result<()> {
    match command {
        StaffCommand::First(args) => first(args),
        StaffCommand::Enrol(args) => {
            let token = secret(args.token_file.as_deref(), "token", "--token-file")?;
            let password = chosen(args.password_file.as_deref())?;
            enrol(&args.at, (&args.name, &token, &password), args.plain)
        }
        StaffCommand::Add(args) => add(args),
        StaffCommand::Tie(args) => tie::tie(args),
        StaffCommand::Untie { name, plain } => tie::untie(name, *plain),
        StaffCommand::Ties(plain) => tie::ties(*plain),
        StaffCommand::Approve(args) => tie::approve(args),
        StaffCommand::Deny(args) => tie::deny(args),
        StaffCommand::List(plain) => list(*plain),
        StaffCommand::Role { name, role, plain } => {
            let body = json!({ "name": name, "role": role });
            said(*plain, &done("/api/v1/staff/role", &body)?, "Done: they log in anew.")
        }
        StaffCommand::Revoke { name, plain } => {
            let revoked = done("/api/v1/staff/revoke", &json!({ "name": name }))?;
            said(*plain, &revoked, "Done: their access, sessions and grants have ended.")
        }
        StaffCommand::Release { name, anew, plain } => {
            let body = json!({ "name": name, "anew": anew });
            let released = done("/api/v1/staff/release", &body)?;
            if plain.json {
                return print(&released);
            }
            match released.get("invitation") {
                Some(invitation) => invited(invitation, name),
                None => line("Done: they can log in again."),
            }
            Ok(())
        }
        StaffCommand::Password { old_file, new_file, plain } => {
            let old = secret(old_file.as_deref(), "password so far", "--old-file")?;
            let new = secret(new_file.as_deref(), "new password", "--new-file")?;
            let changed = done("/api/v1/staff/password", &json!({ "old": *old, "new": *new }))?;
            said(*plain, &changed, "Done: log in anew.")
        }
    }
}

fn first(args: &FirstArgs) -> Result<()> {
    let client = Client::at(&args.at.url, args.at.authority.as_deref())?;
    // Before the token is used up.
    let password = chosen(args.password_file.as_deref())?;
    let token = password_in(&args.token_file).context(
        "the token of the set-up is in the node's data folder: name it with --token-file",
    )?;
    let body = json!({ "token": *token, "agency": args.agency, "name": args.name });
    let invitation: Value = client.done("/api/v1/staff/first", &body)?;
    let token = Zeroizing::new(text(&invitation, "token").to_owned());
    let enrolled = enrol(&args.at, (&args.name, &token, &password), args.plain);
    if enrolled.is_err() {
        invited(&invitation, &args.name);
    }
    enrolled
}

fn enrol(
    at: &ConsoleArgs,
    (name, token, password): (&str, &str, &str),
    plain: PlainArgs,
) -> Result<()> {
    let client = Client::at(&at.url, at.authority.as_deref())?;
    let body = json!({ "name": name, "token": token, "password": password });
    let enrolled: Value = client.done("/api/v1/staff/enrol", &body)?;
    if plain.json {
        return print(&enrolled);
    }
    line("Add this to an authenticator app; it is shown this once:");
    line(&format!("  secret   {}", text(&enrolled, "secret")));
    line(&format!("  address  {}", text(&enrolled, "address")));
    line(&format!("Then: parlatory login --name {name:?}"));
    Ok(())
}

/// The first line of a file, or what somebody types unseen.
fn secret(file: Option<&Path>, what: &str, instead: &str) -> Result<Zeroizing<String>> {
    match file {
        Some(file) => password_in(file),
        None => ask(what, false, instead),
    }
}

/// A new password: the first line of a file, or typed twice, since nobody sees it.
fn chosen(file: Option<&Path>) -> Result<Zeroizing<String>> {
    if let Some(file) = file {
        return password_in(file);
    }
    loop {
        let typed = |what| ask(what, false, "--password-file");
        let (one, other) = (typed("new password")?, typed("once more")?);
        if one == other {
            return Ok(one);
        }
        line("These differ.");
    }
}

fn add(args: &AddArgs) -> Result<()> {
    let whose = tie::whose(&args.whose);
    let mut body = json!({ "name": args.name, "role": args.role, "agency": args.agency });
    if let (Some(whose), Some(fields)) = (whose, body.as_object_mut()) {
        fields.insert("tie".to_owned(), whose);
    }
    let invitation = done("/api/v1/staff/add", &body)?;
    if args.plain.json {
        return print(&invitation);
    }
    invited(&invitation, &args.name);
    match invitation.get("tie") {
        Some(tied) => tie::waits(&serde_json::from_value(tied.clone())?),
        None if matches!(args.role.as_str(), "person" | "counsel") => {
            line("It shows nothing until you say whose calls: parlatory staff tie --help");
        }
        None => {}
    }
    Ok(())
}

fn invited(invitation: &Value, name: &str) {
    line(&format!(
        "Hand this token over to them; it is shown this once, and good until {}:",
        text(invitation, "until")
    ));
    line(&format!("  {}", text(invitation, "token")));
    line(&format!("They choose their password with: parlatory staff enrol --name {name:?}"));
}

fn list(plain: PlainArgs) -> Result<()> {
    let staff: Value = Client::of_session()?.get("/api/v1/staff")?;
    if plain.json {
        return print(&staff);
    }
    let mut table = Table::new(&["number", "name", "role", "last seen", "access"]);
    for member in rows(Some(&staff)) {
        let access = match (flag(member, "usable"), flag(member, "enrolled")) {
            (true, true) => "yes".to_owned(),
            (true, false) => "no password yet".to_owned(),
            (false, _) => text(member, "why").to_owned(),
        };
        let last_seen = text(member, "last_seen").to_owned();
        table.row([
            cell(member, "id"),
            cell(member, "name"),
            cell(member, "role"),
            last_seen,
            access,
        ]);
    }
    table.print();
    Ok(())
}

/// Carries out `parlatory grant`.
pub(crate) fn grant(command: &GrantCommand) -> Result<()> {
    match command {
        GrantCommand::Give(args) => give(args),
        GrantCommand::List(plain) => grants(*plain),
        GrantCommand::Revoke { grant, plain } => {
            let revoked = done("/api/v1/grants/revoke", &json!({ "grant": grant }))?;
            said(*plain, &revoked, "Done: it is taken back.")
        }
    }
}

fn give(args: &GiveArgs) -> Result<()> {
    let until = clock().now().after(DAY * args.days);
    let body = json!({
        "name": args.name,
        "agency": args.agency,
        "case": args.case,
        "purpose": args.purpose,
        "verbs": args.verb,
        "rows_max": args.rows,
        "until": rfc3339(until),
    });
    let given = done("/api/v1/grants/give", &body)?;
    if args.plain.json {
        return print(&given);
    }
    line(&format!("Done: grant {}.", cell(&given, "grant")));
    Ok(())
}

fn grants(plain: PlainArgs) -> Result<()> {
    let grants: Value = Client::of_session()?.get("/api/v1/grants")?;
    if plain.json {
        return print(&grants);
    }
    let head = ["grant", "staff", "case", "purpose", "acts", "rows seen", "until", ""];
    let mut table = Table::new(&head);
    for grant in rows(Some(&grants)) {
        let seen = format!("{} of {}", cell(grant, "rows"), cell(grant, "rows_max"));
        let revoked = if flag(grant, "revoked") { "taken back" } else { "" };
        let number = |key| cell(grant, key);
        table.row([
            number("grant"),
            number("staff"),
            number("case"),
            number("purpose"),
            list_of(grant, "verbs"),
            seen,
            number("until"),
            revoked.to_owned(),
        ]);
    }
    table.print();
    Ok(())
}

/// Carries out `parlatory policy`.
pub(crate) fn policy(command: &PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Show { hash, plain } => {
            let policy = done("/api/v1/policy/show", &json!({ "hash": hash }))?;
            if plain.json {
                return print(&policy);
            }
            line(text(&policy, "text").trim_end());
            Ok(())
        }
        PolicyCommand::Set { file, plain } => {
            let unread = || format!("cannot read `{}`", file.display());
            let text_of_file = fs::read_to_string(file).with_context(unread)?;
            let asked = json!({ "text": text_of_file });
            let answer = Client::of_session()?.post("/api/v1/policy/set", &asked)?;
            match answer {
                Answer::Done(policy) if plain.json => print(&policy),
                Answer::Done(policy) => {
                    set(&policy);
                    Ok(())
                }
                Answer::Waiting(waiting) if plain.json => print(&waiting),
                Answer::Waiting(waiting) => {
                    let act = cell(&waiting, "act");
                    line(&format!("They do not hold yet: {}.", text(&waiting, "missing")));
                    line(&format!("They do it with `parlatory policy approve {act}`."));
                    Ok(())
                }
            }
        }
        PolicyCommand::Waiting(plain) => proposed(*plain),
        PolicyCommand::Approve(args) => {
            let approved = done("/api/v1/policy/approve", &json!({ "act": args.act }))?;
            if args.plain.json {
                return print(&approved);
            }
            set(&approved);
            Ok(())
        }
        PolicyCommand::Deny(args) => {
            let body = json!({ "act": args.act, "why": args.why });
            let denied = done("/api/v1/policy/deny", &body)?;
            said(args.plain, &denied, "Done: they do not come to hold.")
        }
    }
}

/// Says which policies hold now.
fn set(policy: &Value) {
    line(&format!("Done: version {}, which entries name as", cell(policy, "version")));
    line(&format!("  {}", text(policy, "hash")));
}

fn proposed(plain: PlainArgs) -> Result<()> {
    let waiting: Value = Client::of_session()?.get("/api/v1/policy/waiting")?;
    if plain.json {
        return print(&waiting);
    }
    for row in rows(Some(&waiting)) {
        let (act, staff, asked) = (cell(row, "act"), cell(row, "staff"), text(row, "asked"));
        line(&format!("act {act}, proposed by staff {staff} at {asked}:"));
        line(text(row, "text").trim_end());
    }
    if rows(Some(&waiting)).next().is_none() {
        line("No policies wait for a second person.");
    }
    Ok(())
}

/// Carries out `parlatory access`.
pub(crate) fn access(command: &AccessCommand) -> Result<()> {
    match command {
        AccessCommand::Review(args) => review(args),
    }
}

fn review(args: &ReviewArgs) -> Result<()> {
    let micros = clock().now().micros() - i64::from(args.days) * DAY_MICROS;
    let since = rfc3339(Timestamp::from_micros(micros));
    let body = json!({ "purpose": args.purpose, "case": args.case, "since": since });
    let review = done("/api/v1/access/review", &body)?;
    if args.plain.json {
        return print(&review);
    }
    for person in rows(review.get("people")) {
        shown(person, !args.used_only);
    }
    let mut alarms = Table::new(&["alarm", "staff", "at"]);
    for alarm in rows(review.get("alarms")) {
        alarms.row([cell(alarm, "kind"), cell(alarm, "staff"), cell(alarm, "at")]);
    }
    alarms.print();
    let count = rows(review.get("alarms")).count();
    line(&format!("{count} alarms. This review is act {} of the log.", cell(&review, "act")));
    Ok(())
}

/// One person of a review.
fn shown(person: &Value, unused: bool) {
    let access = match (flag(person, "usable"), flag(person, "enrolled")) {
        (true, true) => format!("last seen {}", text(person, "last_seen")),
        (true, false) => "no password yet".to_owned(),
        (false, _) => text(person, "why").to_owned(),
    };
    let (name, role) = (text(person, "name"), text(person, "role"));
    line(&format!("{name}, {role}, number {}: {access}", cell(person, "staff")));
    let mut table = Table::new(&["  ", "act", "data", "purpose", "needs", ""]);
    for used in rows(person.get("used")) {
        let count = format!("{} times, {} rows", cell(used, "acts"), cell(used, "rows"));
        let key = |key| cell(used, key);
        table.row([
            "  used".to_owned(),
            key("verb"),
            key("scope"),
            key("purpose"),
            String::new(),
            count,
        ]);
    }
    for grant in rows(person.get("grants")).filter(|grant| unused || !flag(grant, "used")) {
        let seen = format!("{} of {} rows", cell(grant, "rows"), cell(grant, "rows_max"));
        let what = if flag(grant, "used") { "  grant" } else { "  unused grant" };
        let case = format!("case {}", text(grant, "case"));
        let purpose = cell(grant, "purpose");
        table.row([what.to_owned(), list_of(grant, "verbs"), case, purpose, String::new(), seen]);
    }
    for could in rows(person.get("could")).filter(|could| unused && !flag(could, "used")) {
        let counts = if flag(could, "counts_only") { "as counts" } else { "" };
        table.row([
            "  could".to_owned(),
            cell(could, "verb"),
            cell(could, "scope"),
            list_of(could, "purposes"),
            cell(could, "needs"),
            counts.to_owned(),
        ]);
    }
    table.print();
}

/// Carries out `parlatory glass`.
pub(crate) fn glass(command: &GlassCommand) -> Result<()> {
    match command {
        GlassCommand::Break { reason, minutes, plain } => {
            let body = json!({ "minutes": minutes, "reason": reason });
            let broken = done("/api/v1/glass/break", &body)?;
            if plain.json {
                return print(&broken);
            }
            let (act, until) = (cell(&broken, "act"), text(&broken, "until"));
            line(&format!("The glass is broken until {until}: act {act}."));
            line(
                "Ask with `--purpose safety`. Another supervisor or an auditor must review it within",
            );
            line(&format!("72 hours: parlatory glass review {act} --found ..."));
            Ok(())
        }
        GlassCommand::List(plain) => glasses(*plain),
        GlassCommand::Review { act, unjustified, found, plain } => {
            let body = json!({ "act": act, "justified": !unjustified, "found": found });
            let reviewed = done("/api/v1/glass/review", &body)?;
            said(*plain, &reviewed, "Done: the review is entered.")
        }
    }
}

fn glasses(plain: PlainArgs) -> Result<()> {
    let glasses: Value = Client::of_session()?.get("/api/v1/glass")?;
    if plain.json {
        return print(&glasses);
    }
    let mut table = Table::new(&["act", "staff", "broken", "until", "reviewed", "reason"]);
    for glass in rows(Some(&glasses)) {
        let key = |key| cell(glass, key);
        let reviewed = glass.get("reviewed").map_or("no".to_owned(), |_| key("reviewed"));
        table.row([key("act"), key("staff"), key("broken"), key("until"), reviewed, key("reason")]);
    }
    table.print();
    Ok(())
}

/// Carries out `parlatory disclose approve`.
pub(crate) fn approve(args: &ApproveArgs) -> Result<()> {
    let approved = done("/api/v1/acts/approve", &json!({ "act": args.act }))?;
    said(args.plain, &approved, "Done: it is approved. Who asked asks again with --act.")
}

/// Carries out `parlatory disclose deny`.
pub(crate) fn deny(args: &DenyArgs) -> Result<()> {
    let denied = done("/api/v1/acts/deny", &json!({ "act": args.act, "why": args.why }))?;
    said(args.plain, &denied, "Done: it is refused.")
}

fn done(path: &str, body: &Value) -> Result<Value> {
    Client::of_session()?.done(path, body)
}

/// What a change answers, for programs; or the words for people.
fn said(plain: PlainArgs, answer: &Value, words: &str) -> Result<()> {
    if plain.json {
        // A change that has nothing to say is answered with nothing.
        return if answer.is_null() { print(&json!({ "done": true })) } else { print(answer) };
    }
    line(words);
    Ok(())
}

fn print(value: &Value) -> Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

fn rows(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// A word or a number.
fn cell(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

fn list_of(value: &Value, key: &str) -> String {
    let words: Vec<_> = rows(value.get(key)).filter_map(Value::as_str).collect();
    words.join(", ")
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MICROS: i64 = 86_400_000_000;
