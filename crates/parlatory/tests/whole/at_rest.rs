//! What a data folder gives away: every file of it, tried with every key that is in it, against the
//! list in `SECURITY.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use evidence::{AuditKey, leaf};
use journal::{
    LEAF_OCTETS, SealKey, Seq, inspect, inspect_given, log::replay_log, replay, replay_entries,
};
use model::{AgencyId, Timestamp};
use store::{ColumnKeys, Store};
use vault::{NameShelf, name_files};

use crate::{
    enrolment::{PERSON, enrolment},
    open::{Keyholder, detail_opens, is_segment_key, opens_anything, segment_share},
    recording::files,
    sealed_away,
};

/// Where the keyholders' private keys, and what keyholders remember, are not: in the folder.
pub(crate) fn assert_gives_away_what_is_listed(data: &Path) {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for path in files(data) {
        let name = relative(data, &path);
        let theirs = name.starts_with("keyholders/") && !name.ends_with(".pub");
        let to = if theirs { elsewhere.path() } else { here.path() }.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
    let here = here.path();
    let (young, old) = (sealed_away::some_of(here), sealed_away::give_away(here, far()));
    sealed_away::assert_said(here);
    sealed_away::write_on(here, young);
    record_name(here);
    let keys = keys_in(here);
    // As it lies there while a node runs, with the database's write-ahead log.
    let store = store_at(here, &keys["keys/store.key"][0]).unwrap();
    store.confirm_registry(far()).unwrap();
    assert!(here.join("store/parlatory.db-wal").metadata().unwrap().len() > 0);

    let (rows, people) = (rows(), People::of(here));
    let names: Vec<_> = files(here).iter().map(|path| relative(here, path)).collect();
    let unlisted: Vec<_> = names.iter().filter(|it| rows_of(&rows, it).len() != 1).collect();
    assert!(unlisted.is_empty(), "each must be in one row of SECURITY.md: {unlisted:?}");
    let mut found: Vec<Found> = rows.iter().map(|_| Found::default()).collect();
    for name in &names {
        for row in rows_of(&rows, name) {
            found[row].look(here, name, &keys, &people);
        }
    }
    for (row, found) in rows.iter().zip(&found) {
        let Row { files, opens, closed, clear } = row;
        assert!(found.files > 0, "{files:?}: nothing is in this row, so nothing was tried");
        assert_eq!((&found.opens, found.closed), (opens, *closed), "{files:?}: what opens it");
        assert_eq!(&found.clear, clear, "{files:?}: what of people is in clear");
    }
    assert_keyholders_open_the_rest(elsewhere.path(), &found, old);
}

/// Nothing of people is in clear where the list does not say so, at any time.
pub(crate) fn assert_no_more_in_clear(data: &Path) {
    let (rows, people) = (rows(), People::of(data));
    for path in files(data) {
        let name = relative(data, &path);
        // It may be gone by now.
        let Ok(octets) = fs::read(&path) else { continue };
        let listed: BTreeSet<_> =
            rows_of(&rows, &name).into_iter().flat_map(|row| rows[row].clear.clone()).collect();
        let clear = people.in_clear(&octets);
        assert!(clear.is_subset(&listed), "`{name}` shows {clear:?}, and is listed for {listed:?}");
    }
}

/// The same attempts succeed with the keys that are elsewhere: they are attempts.
fn assert_keyholders_open_the_rest(elsewhere: &Path, found: &[Found], facts: u64) {
    let holders: Vec<_> = files(&elsewhere.join("keyholders"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "key"))
        .map(|path| Keyholder::from_text(&fs::read_to_string(path).unwrap()))
        .collect();
    assert_eq!(holders.len(), 2);
    let keys: Vec<_> = holders.iter().map(Keyholder::octets).collect();
    let closed: Vec<_> = found.iter().flat_map(|found| &found.left_closed).collect();
    let recordings = closed.iter().filter(|it| matches!(it, Sealed::Recording(_))).count();
    assert!(recordings >= 3 && closed.len() > recordings + 10, "{} things", closed.len());
    for sealed in &closed {
        assert!(keys.iter().any(|key| sealed.opens(key)), "a keyholder opens it");
    }
    let segments = closed.iter().filter_map(|sealed| {
        let Sealed::Segment(octets, shares) = sealed else { return None };
        Some((octets.as_slice(), shares.as_slice()))
    });
    let [segment] = segments.collect::<Vec<_>>()[..] else { panic!("one segment is closed away") };
    sealed_away::assert_opens(segment, &holders.iter().collect::<Vec<_>>(), facts);
}

/// Puts a recorded name into the folder, under the folder's own key.
fn record_name(here: &Path) {
    let key = fs::read(here.join("keys/names.key")).unwrap().try_into().unwrap();
    let shelf = NameShelf::new(here.join("names"), key);
    shelf.put(AGENCY, enrolment().captured(vec![0x31; 9_000]).unwrap()).unwrap();
    shelf.place((AGENCY, PERSON)).unwrap();
}

/// A row of the list.
struct Row {
    files: Vec<String>,
    /// Keys of the folder that open something of it.
    opens: BTreeSet<String>,
    /// Something of it is sealed and stays closed.
    closed: bool,
    /// What of people stands in it in clear.
    clear: BTreeSet<&'static str>,
}

fn rows() -> Vec<Row> {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../SECURITY.md");
    let text = fs::read_to_string(text).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("| files |")).skip(2);
    let rows: Vec<Row> = lines.take_while(|line| line.starts_with('|')).map(Row::parse).collect();
    assert!(rows.len() > 5, "the list is not found");
    rows
}

/// The rows that a file is in.
fn rows_of(rows: &[Row], name: &str) -> Vec<usize> {
    let is_in = |row: &Row| row.files.iter().any(|pattern| fits(pattern, name));
    (0..rows.len()).filter(|index| is_in(&rows[*index])).collect()
}

impl Row {
    fn parse(line: &str) -> Self {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [names, opens, clear, _] = cells[..] else { panic!("four cells: {line}") };
        let closed = opens.contains("no key of the folder");
        let (opens, none) = (quoted(opens), opens == "nothing is sealed" || opens == "it is a key");
        assert!(none != (closed || !opens.is_empty()), "what opens it: {line}");
        let clear: BTreeSet<_> = clear
            .split(", ")
            .filter(|word| *word != "nothing")
            .map(|word| *KINDS.iter().find(|kind| **kind == word).expect(line))
            .collect();
        Self { files: quoted(names), opens: opens.into_iter().collect(), closed, clear }
    }
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a path fits a pattern, in which `*` is anything within one name and `**` anything.
fn fits(pattern: &str, name: &str) -> bool {
    if let Some(folder) = pattern.strip_suffix("**") {
        return name.starts_with(folder);
    }
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            rest.strip_suffix(after).is_some_and(|middle| !middle.contains('/'))
        }),
    }
}

/// What was found in the files of a row.
#[derive(Default)]
struct Found {
    files: usize,
    opens: BTreeSet<String>,
    closed: bool,
    clear: BTreeSet<&'static str>,
    left_closed: Vec<Sealed>,
}

impl Found {
    fn look(&mut self, here: &Path, name: &str, keys: &Keys, people: &People) {
        self.files += 1;
        let octets = fs::read(here.join(name)).unwrap();
        self.clear.extend(people.in_clear(&octets));
        for sealed in sealed_in(here, name, &octets) {
            let opening = keys.iter().filter(|(_, all)| all.iter().any(|key| sealed.opens(key)));
            let opening: Vec<_> = opening.map(|(name, _)| name.clone()).collect();
            if opening.is_empty() {
                self.closed = true;
                self.left_closed.push(sealed);
            }
            self.opens.extend(opening);
        }
    }
}

/// Something that is sealed.
enum Sealed {
    Recording(Vec<u8>),
    Name(PathBuf),
    Entry(Box<[u8; LEAF_OCTETS]>),
    Detail(Vec<u8>),
    /// The folder with the database in it.
    Database(PathBuf),
    /// The folder of the journal, and number of the last fact that was given away.
    Journal(PathBuf, Seq),
    /// A segment of the journal whose key was given away, and the shares of the key.
    Segment(Vec<u8>, Vec<u8>),
    /// Shares of a segment's key.
    Shares(Vec<u8>),
}

impl Sealed {
    /// Whether these 32 octets open anything of it, in any way in which it is opened.
    fn opens(&self, key: &[u8; 32]) -> bool {
        match self {
            Self::Recording(octets) => opens_anything(octets, key),
            Self::Name(root) => {
                let shelf = NameShelf::new(root, *key);
                let named = name_files(root).unwrap();
                named.iter().any(|file| shelf.read((AGENCY, PERSON), file.sha256).is_some())
            }
            Self::Entry(entry) => {
                let key = AuditKey::new(*key);
                [**entry, leaf::masked(entry, &key)].iter().any(|it| leaf::read(it, &key).is_ok())
            }
            Self::Detail(octets) => detail_opens(octets, key),
            Self::Journal(folder, after) => {
                let mut facts = 0;
                let read = replay(folder, &SealKey::derive(key), *after, |_, _| {
                    facts += 1;
                    ControlFlow::Continue(())
                });
                assert!(read.is_ok() || facts == 0, "{read:?}");
                facts > 0
            }
            Self::Segment(octets, shares) => {
                let mut facts = 0;
                inspect(octets, &SealKey::derive(key), |_, _| facts += 1);
                inspect_given(octets, key, |_, _| facts += 1);
                facts > 0 || segment_share(shares, key).is_some()
            }
            Self::Shares(octets) => {
                segment_share(octets, key).is_some() || is_segment_key(octets, key)
            }
            Self::Database(here) => store_at(here, key).is_some_and(|store| {
                let configuration = store.configuration().unwrap();
                !configuration.people.is_empty() && !configuration.registry.numbers.is_empty()
            }),
        }
    }
}

/// Everything sealed in a file. What is written for a whole folder is found with one file
/// of it.
fn sealed_in(here: &Path, name: &str, octets: &[u8]) -> Vec<Sealed> {
    let of = |folder: &str, ends: &str| {
        let found = files(&here.join(folder)).into_iter().map(|path| relative(here, &path));
        found.filter(|it| it.ends_with(ends)).collect::<Vec<_>>()
    };
    let first_of = |folder, ends| of(folder, ends).first().is_some_and(|it| it == name);
    let last_of = |folder, ends| of(folder, ends).last().is_some_and(|it| it == name);
    let mut sealed = Vec::new();
    let mut both = |entry: [u8; LEAF_OCTETS], detail: Vec<u8>| {
        sealed.push(Sealed::Entry(Box::new(entry)));
        sealed.extend((!detail.is_empty()).then_some(Sealed::Detail(detail)));
        ControlFlow::Continue(())
    };
    if first_of("log-private", ".wal") {
        let each = |entry: journal::log::LogEntry| both(entry.leaf, entry.detail);
        replay_log(&here.join("log-private"), 0, each).unwrap();
    } else if name.ends_with(".shares") {
        sealed.push(Sealed::Shares(octets.to_vec()));
    } else if name.ends_with(".journal") && here.join(name).with_extension("shares").exists() {
        let shares = fs::read(here.join(name).with_extension("shares")).unwrap();
        sealed.push(Sealed::Segment(octets.to_vec(), shares));
    } else if last_of("journal", ".journal") {
        let folder = here.join("journal");
        let key = fs::read(here.join("keys/store.key")).unwrap().try_into().unwrap();
        let key = SealKey::derive(&key);
        let away = journal::sealed_away(&folder, &key).unwrap();
        let each = |entry: journal::Entry| both(entry.draft.leaf, entry.draft.detail);
        replay_entries(&folder, &key, away.given[0].entry, each).unwrap();
        sealed.push(Sealed::Journal(folder, away.last()));
    } else if name.starts_with("log/tile/entries/") {
        let entries = octets.chunks(2 + LEAF_OCTETS).map(|entry| entry[2..].try_into().unwrap());
        sealed.extend(entries.map(Box::new).map(Sealed::Entry));
    } else if octets.starts_with(b"PARLRECD") {
        sealed.push(Sealed::Recording(octets.to_vec()));
    } else if octets.starts_with(b"PARLNAME") {
        sealed.push(Sealed::Name(here.join("names")));
    } else if name == "store/parlatory.db" {
        sealed.push(Sealed::Database(here.to_owned()));
    }
    sealed
}

fn store_at(here: &Path, key: &[u8; 32]) -> Option<Store> {
    Store::open(&here.join("store/parlatory.db"), &ColumnKeys::new(*key)).ok()
}

/// By file, everything in it that could be a key of 32 octets.
type Keys = BTreeMap<String, Vec<[u8; 32]>>;

fn keys_in(here: &Path) -> Keys {
    let mut keys = Keys::new();
    for path in files(here) {
        let octets = fs::read(&path).unwrap();
        let mut found = Vec::new();
        let mut take = |octets: &[u8]| {
            found.extend(octets.first_chunk::<32>());
            found.extend(octets.last_chunk::<32>());
        };
        if octets.len() == 32 {
            take(&octets);
        }
        if octets.len() < KEY_FILE_OCTETS_MAX {
            let text = String::from_utf8_lossy(&octets);
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c));
            for word in words.filter(|word| word.len() >= 43) {
                let decoded =
                    [HEXLOWER_PERMISSIVE.decode(word.as_bytes()), BASE64.decode(word.as_bytes())];
                decoded.iter().flatten().for_each(|octets| take(octets));
            }
        }
        if !found.is_empty() {
            keys.insert(relative(here, &path), found);
        }
    }
    assert!(keys.len() >= 8, "{:?}", keys.keys());
    keys
}

/// What is known of the people of the demo's county.
struct People(BTreeMap<[u8; 4], Vec<(&'static str, Vec<u8>)>>);

impl People {
    fn of(data: &Path) -> Self {
        let mut known: Vec<(&str, Vec<u8>)> = Vec::new();
        let table = fs::read_to_string(data.join("county/people.csv")).unwrap_or_default();
        for row in table.lines().skip(1) {
            let cells: Vec<_> = row.split(',').collect();
            known.extend([cells[1], cells[2]].map(|name| ("names", name.into())));
            known.push(("PINs", cells[3].into()));
        }
        known.push(("names", b"Cedar County Public Defender".into()));
        known.extend(["24-CR-0117", "review of the demo"].map(|case| ("cases", case.into())));
        known.push(("staff", b"avery".into()));
        for number in 12_025_550_101..=12_025_550_119_u64 {
            known.extend(written(number).map(|octets| ("numbers", octets)));
        }
        let mut by_beginning = BTreeMap::<_, Vec<_>>::new();
        for (kind, octets) in known {
            by_beginning.entry(*octets.first_chunk().unwrap()).or_default().push((kind, octets));
        }
        Self(by_beginning)
    }

    /// Which kinds of what is known stand in these octets.
    fn in_clear(&self, octets: &[u8]) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        for (at, window) in octets.windows(4).enumerate() {
            let Some(some) = window.first_chunk().and_then(|first| self.0.get(first)) else {
                continue;
            };
            for (kind, known) in some {
                let rest = &octets[at..];
                let digit = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_digit);
                // Digits of something longer, such as a time, are no PIN.
                let longer = *kind == "PINs"
                    && (digit(rest.get(known.len())) || at > 0 && digit(octets.get(at - 1)));
                if rest.starts_with(known) && !longer {
                    found.insert(*kind);
                }
            }
        }
        found
    }
}

/// A number as text, as people write it, and in octets as programs do.
fn written(number: u64) -> [Vec<u8>; 5] {
    let digits = number.to_string();
    let mut varint = Vec::new();
    let mut rest = number;
    while rest > 0 {
        let more = if rest > 0x7f { 0x80 } else { 0 };
        varint.push(u8::try_from(rest & 0x7f).unwrap() | more);
        rest >>= 7;
    }
    [
        digits[1..].into(),
        format!("{}-{}", &digits[4..7], &digits[7..]).into(),
        number.to_be_bytes()[3..].into(),
        number.to_le_bytes()[..5].into(),
        varint,
    ]
}

fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()
}

/// Later than everything in the demo.
fn far() -> Timestamp {
    Timestamp::from_micros(4_000_000_000_000_000)
}

#[test]
fn a_list_that_says_otherwise_is_found_out() {
    let row = |line: &str| std::panic::catch_unwind(|| Row::parse(line)).ok();
    assert!(row("| `a` | nothing is sealed | nothing | settings |").is_some());
    for bad in [
        "| `a` | `keys/a.key` or nothing is sealed | nothing |",
        "| `a` | nothing | nothing | settings |",
        "| `a` | nothing is sealed | everything | settings |",
    ] {
        assert!(row(bad).is_none(), "{bad}");
    }
    assert!(fits("journal/*.journal", "journal/0001.journal") && fits("log/**", "log/tile/0/000"));
    assert!(!fits("journal/*", "journal/old/0001.journal") && !fits("log/**", "log.vkey"));
    let people = People::of(Path::new("nowhere"));
    for (text, kinds) in [
        ("call to 2025550104", BTreeSet::from(["numbers"])),
        ("(202) 555-0111 for 24-CR-0117", BTreeSet::from(["numbers", "cases"])),
        ("call to 2025550199", BTreeSet::new()),
    ] {
        assert_eq!(people.in_clear(text.as_bytes()), kinds, "{text}");
    }
    let stored = [&[6][..], &12_025_550_101_u64.to_be_bytes()[2..]].concat();
    assert_eq!(people.in_clear(&stored), BTreeSet::from(["numbers"]));
}

/// Whose name is recorded.
const AGENCY: AgencyId = AgencyId(1);
/// What of people may be in clear.
const KINDS: [&str; 5] = ["names", "numbers", "PINs", "cases", "staff"];
/// A file with a key in it is no longer than this.
const KEY_FILE_OCTETS_MAX: usize = 8 * 1024;
