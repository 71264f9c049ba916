//! What is in a package, for whom it is: opened as its recipient opens it.

use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

/// A table of what each recipient gets of a call.
pub(crate) fn table(text: &mut String, county: &County) {
    let whom: Vec<_> = Audience::ALL.iter().filter(|it| **it != Audience::Nobody).collect();
    let words: Vec<_> = whom.iter().map(|audience| audience.title()).collect();
    text.push_str(HEAD);
    writeln!(text, "| in the package | {} |", words.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(words.len())).unwrap();
    let columns: Vec<_> = whom.iter().map(|audience| fields(county, **audience)).collect();
    let first = columns.first().unwrap();
    for field in first.keys() {
        let cells: Vec<_> = columns.iter().map(|of| if of[field] { "yes" } else { "-" }).collect();
        writeln!(text, "| {field} | {} |", cells.join(" | ")).unwrap();
    }
}

/// Whether a package for somebody has each of these.
fn fields(county: &County, audience: Audience) -> BTreeMap<String, bool> {
    let records = files(county, audience, None).unwrap();
    let rows: Value = serde_json::from_slice(&records["records/records.json"]).unwrap();
    let rows = rows.as_array().unwrap();
    // Counsel's calls and those to report lines are for nobody among them.
    let calls = [RECORDING.0, 8];
    assert_eq!(rows.len(), calls.len(), "{audience}");
    for octets in records.values() {
        let text = String::from_utf8_lossy(octets);
        for digits in [COUNSEL, HOTLINE, 60] {
            assert!(!text.contains(&(12_025_550_100 + digits).to_string()), "{audience}");
        }
    }
    let has = |field: &str| rows.iter().any(|row| !row[field].is_null());
    let row = rows.first().unwrap().as_object().unwrap();
    let mut fields: BTreeMap<_, _> =
        row.keys().map(|field| (format!("`{field}` of each call"), has(field))).collect();
    let masked = audience == Audience::PublicRecords;
    for private in ["Person P-1", "1202555014"] {
        let tells = |octets: &Vec<u8>| String::from_utf8_lossy(octets).contains(private);
        assert_eq!(records.values().any(tells), !masked, "{audience}");
    }
    let heard = files(county, audience, Some(RECORDING));
    let heard = heard.is_some_and(|files| files.keys().any(|name| name.ends_with(".wav")));
    fields.insert("the recording, where that is asked for".to_owned(), heard);
    fields
}

/// The files in a package; `None` where nobody is given one.
fn files(
    county: &County,
    audience: Audience,
    recording: Option<RecordingId>,
) -> Option<BTreeMap<String, Vec<u8>>> {
    let role = Role::Clerk;
    let by = Asker { county, agency: CEDAR, role };
    let mut body = by.export_for(audience);
    body["recording"] = recording.map(|id| format!("{:016x}", id.0)).into();
    let asked = ASKED.iter().find(|asked| asked.route.ends_with("/export")).unwrap();
    let (word, said) = county.answer(asked, &asker(CEDAR, role), &body);
    if word == "never" {
        return None;
    }
    assert_eq!(word, "yes", "{audience}");
    let sealed = STANDARD.decode(said["package"].as_str().unwrap()).unwrap();
    let passphrase = said["passphrase"].as_str().unwrap().as_bytes();
    let mut outer = zip::ZipArchive::new(Cursor::new(sealed)).unwrap();
    let mut inner = Vec::new();
    outer.by_index_decrypt(0, passphrase).unwrap().read_to_end(&mut inner).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(inner)).unwrap();
    let count = archive.len();
    let file = |at| {
        let mut file = archive.by_index(at).unwrap();
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).unwrap();
        (file.name().unwrap().into_owned(), octets)
    };
    Some((0..count).map(file).collect())
}

const HEAD: &str = "
## What is in a package, and for whom

Each was asked for by Cedar County's clerk, and opened with its passphrase. Calls with counsel and
calls to report lines are in none of them. The public is told of calls, and neither who called nor
whom, and hears nothing; `row` is another number for the same call in every package, so that it
joins nothing.

";
