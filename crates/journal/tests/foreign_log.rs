//! What the log publishes is checked by a program that shares nothing with it: Go's `x/mod/sumdb`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::panic_in_result_fn,
    reason = "a test fails by it"
)]

mod sample;

use sample::log::{entries, key, open_log, publish};
use std::{fs, path::Path, process::Command};

/// The other program, built from its source with the system's packages alone.
fn build(dir: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tlog/tests/go/check.go");
    let go_path = format!("{}:/usr/share/gocode", dir.join("go/path").display());
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([dir.join("check"), source])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir.join("go"))
        .env("GOCACHE", dir.join("go/cache"))
        .env("GOPATH", go_path)
        .env("GO111MODULE", "off")
        .env("CGO_ENABLED", "0")
        .output()
        .expect("Go runs: apt-get install golang-go golang-golang-x-mod-dev");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

fn check(dir: &Path, since: &str) -> Result<String, String> {
    let run = Command::new(dir.join("check"))
        .arg("-since")
        .arg(dir.join(since))
        .arg(dir.join("log"))
        .arg(key().verifier().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8(run.stdout).unwrap().trim().to_owned();
    match run.status.code() {
        Some(0) => Ok(said),
        Some(1) => Err(said),
        other => panic!("{other:?}: {}", String::from_utf8_lossy(&run.stderr)),
    }
}

#[test]
fn a_published_log_is_accepted_and_refused_after_any_change_with_go() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    build(dir);
    let (log, _) = open_log(dir).unwrap();
    for n in 0..50 {
        log.append_wait(entries(1, n * 30 + 1..=n * 30 + 30)).unwrap();
        if n % 7 == 6 {
            publish(&log).unwrap().unwrap();
        }
        if n == 20 {
            fs::copy(dir.join("log/checkpoint"), dir.join("earlier")).unwrap();
        }
    }
    publish(&log).unwrap().unwrap();
    log.close();
    fs::copy(dir.join("log/checkpoint"), dir.join("current")).unwrap();
    let size = fs::read_to_string(dir.join("current")).unwrap();
    let size: u64 = size.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > 1_500 && size.is_multiple_of(64), "{size}");
    let accepted = check(dir, "earlier").unwrap();
    assert!(accepted.starts_with(&format!("entries {size}, ")), "{accepted}");

    let path = dir.join("log/tile/entries/002");
    let kept = fs::read(&path).unwrap();
    for change in [0_usize, 1, 2] {
        let mut octets = kept.clone();
        match change {
            0 => octets[258 * 100 + 30] ^= 1,
            1 => drop(octets.drain(258 * 100..258 * 101)),
            _ => octets[258 * 100..258 * 102].rotate_left(258),
        }
        fs::write(&path, octets).unwrap();
        let refused = check(dir, "earlier").unwrap_err();
        assert_eq!(refused, "entry 612 is not the one in the tree");
    }
    fs::write(&path, kept).unwrap();
    let partial = dir.join(format!("log/tile/0/{:03}.p/{}", size / 256, size % 256));
    if !size.is_multiple_of(256) {
        let kept = fs::read(&partial).unwrap();
        fs::write(&partial, [&[kept[0] ^ 1], &kept[1..]].concat()).unwrap();
        assert!(check(dir, "earlier").is_err());
        fs::write(&partial, kept).unwrap();
    }
    assert!(check(dir, "current").is_ok());
    fs::copy(dir.join("earlier"), dir.join("log/checkpoint")).unwrap();
    let rolled_back = check(dir, "current").unwrap_err();
    assert!(rolled_back.starts_with("since: rolled back from"), "{rolled_back}");
}
