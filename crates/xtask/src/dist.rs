//! A release that anybody can make again: the same commit gives the same octets in any folder, so
//! that whoever reads a build's hash in the log can find the source it came from.
//!
//! What differs between two machines and is evened out here: the folders of the source, of the
//! crates and of the build (they stand in panic messages and line tables), the date, and flags from
//! the environment. What is not: another compiler gives another program, so its version goes into
//! the statement beside the result.

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

mod sbom;

/// Arguments of `dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct DistArgs {
    /// Build once only, without the proof that a second build gives the same
    #[arg(long)]
    once: bool,
    /// Where the result goes
    #[arg(long, value_name = "DIR", default_value = "target/dist/out")]
    out: PathBuf,
}

/// Builds the commit that is checked out, twice in folders of different names, compares the
/// results, and lays program, list of parts (CycloneDX) and hashes into one folder.
///
/// # Errors
/// When a file of the tree is not committed, a build fails, or the two builds differ.
pub(crate) fn run(root: &Path, args: &DistArgs) -> anyhow::Result<()> {
    let commit = committed(root)?;
    let place = root.join("target/dist");
    let first = build(root, &place.join("one"), &commit)?;
    if args.once {
        println!("== built once: nothing is said about a second build");
    } else {
        let second = build(root, &place.join("another-folder-for-the-second"), &commit)?;
        same(&first, &second)?;
        println!("== two builds in different folders gave the same {} octets", first.len());
    }
    let out = root.join(&args.out);
    fs::create_dir_all(&out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let parts = sbom::of(root, PROGRAM)?;
    let statement = statement(&commit)?;
    let files: [(&str, &[u8]); 3] = [
        (PROGRAM, &first),
        ("parlatory.cdx.json", parts.as_bytes()),
        ("BUILD", statement.as_bytes()),
    ];
    let mut sums = String::new();
    for (name, octets) in files {
        let path = out.join(name);
        fs::write(&path, octets).with_context(|| format!("cannot write `{}`", path.display()))?;
        sums.push_str(&format!("{}  {name}\n", hex(&Sha256::digest(octets))));
    }
    executable(&out.join(PROGRAM))?;
    fs::write(out.join("SHA256SUMS"), &sums)?;
    println!("{sums}== in {}", args.out.display());
    Ok(())
}

/// What is built: a commit, and the time it was made at.
#[derive(Debug)]
struct Commit {
    id: String,
    /// Seconds since 1970, which stand for the date wherever a tool asks for one.
    epoch: String,
}

fn committed(root: &Path) -> anyhow::Result<Commit> {
    let changed = git(root, &["status", "--porcelain"])?;
    ensure!(
        changed.is_empty(),
        "there are changes that are not committed, which nobody else could build:\n{changed}"
    );
    Ok(Commit {
        id: git(root, &["rev-parse", "HEAD"])?,
        epoch: git(root, &["log", "-1", "--format=%ct"])?,
    })
}

fn git(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    said(Command::new("git").arg("-C").arg(root).args(args))
}

/// Builds `commit` from a clone of its own in `place` and returns the program.
fn build(root: &Path, place: &Path, commit: &Commit) -> anyhow::Result<Vec<u8>> {
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot clear `{}`", place.display()))?;
    }
    fs::create_dir_all(place).with_context(|| format!("cannot make `{}`", place.display()))?;
    let source = place.join("source");
    git(root, &["clone", "--quiet", "--no-hardlinks", ".", &text(&source)?])?;
    git(&source, &["checkout", "--quiet", "--detach", &commit.id])?;
    let target = place.join("target");
    let places = Places { source: source.clone(), crates: crates_folder()?, target };
    println!("== building {} in {}", commit.id, place.display());
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .args(["build", "--release", "--locked", "--package", PROGRAM, "--bin", PROGRAM])
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &places.target)
        .env("SOURCE_DATE_EPOCH", &commit.epoch)
        .env("CARGO_ENCODED_RUSTFLAGS", places.rust_flags()?)
        .env("CFLAGS", places.c_flags()?)
        .env("CXXFLAGS", places.c_flags()?)
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null());
    let status = cargo.status().context("cannot run cargo")?;
    ensure!(status.success(), "the build in `{}` failed", place.display());
    let program = places.target.join("release").join(PROGRAM);
    fs::read(&program).with_context(|| format!("cannot read `{}`", program.display()))
}

/// Folders whose names must not reach the program.
struct Places {
    source: PathBuf,
    crates: PathBuf,
    target: PathBuf,
}

impl Places {
    /// Real folder and the name that stands for it.
    fn names(&self) -> anyhow::Result<[(String, &'static str); 3]> {
        Ok([
            (text(&self.source)?, "/parlatory"),
            (text(&self.crates)?, "/crates"),
            (text(&self.target)?, "/build"),
        ])
    }

    fn rust_flags(&self) -> anyhow::Result<String> {
        let names = self.names()?;
        let flags = names.iter().map(|(real, name)| format!("--remap-path-prefix={real}={name}"));
        Ok(flags.collect::<Vec<_>>().join(FLAG_SEPARATOR))
    }

    fn c_flags(&self) -> anyhow::Result<String> {
        let names = self.names()?;
        let flags = names.iter().map(|(real, name)| format!("-ffile-prefix-map={real}={name}"));
        Ok(flags.collect::<Vec<_>>().join(" "))
    }
}

/// Where cargo keeps the sources of the crates.
fn crates_folder() -> anyhow::Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    Ok(home.context("neither CARGO_HOME nor HOME is set")?.join("registry"))
}

/// # Errors
/// When they differ; says where first.
fn same(first: &[u8], second: &[u8]) -> anyhow::Result<()> {
    if first == second {
        return Ok(());
    }
    let at = first.iter().zip(second).position(|(one, other)| one != other);
    let at = at.unwrap_or_else(|| first.len().min(second.len()));
    let around = |octets: &[u8]| {
        let from = at.saturating_sub(AROUND_OCTETS);
        let to = octets.len().min(at.saturating_add(AROUND_OCTETS));
        octets.get(from..to).unwrap_or_default().escape_ascii().to_string()
    };
    bail!(
        "the two builds differ: {} and {} octets, first at {at}: `{}` and `{}`",
        first.len(),
        second.len(),
        around(first),
        around(second)
    )
}

/// What somebody needs to know to build it again.
fn statement(commit: &Commit) -> anyhow::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let rustc = said(Command::new(rustc).arg("-vV"))?;
    let cc = said(Command::new("cc").arg("--version"))?;
    let cc = cc.lines().next().unwrap_or_default();
    Ok(format!("commit: {}\ncommand: cargo xtask dist\n{rustc}\ncc: {cc}\n", commit.id))
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run `{command:?}`"))?;
    if !output.status.success() {
        bail!("`{command:?}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn executable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make `{}` executable", path.display()))
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("`{}` is no text", path.display()))?;
    ensure!(
        !text.contains([' ', '=']),
        "`{text}` has a space or `=`, which compilers cannot map: build in another folder"
    );
    Ok(text.to_owned())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The program that is published.
const PROGRAM: &str = "parlatory";
/// Between flags in `CARGO_ENCODED_RUSTFLAGS`.
const FLAG_SEPARATOR: &str = "\u{1f}";
/// How much is shown on either side of the first difference.
const AROUND_OCTETS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn places(source: &str) -> Places {
        Places { source: source.into(), crates: "/c".into(), target: "/t".into() }
    }

    #[test]
    fn every_folder_gets_a_name_that_is_the_same_everywhere() {
        assert_eq!(
            places("/s").rust_flags().unwrap(),
            "--remap-path-prefix=/s=/parlatory\u{1f}--remap-path-prefix=/c=/crates\u{1f}\
             --remap-path-prefix=/t=/build"
        );
        assert!(places("/s").c_flags().unwrap().starts_with("-ffile-prefix-map=/s=/parlatory -f"));
        assert!(places("/a folder").rust_flags().unwrap_err().to_string().contains("`/a folder`"));
    }

    #[test]
    fn builds_that_differ_are_told_apart_with_the_place() {
        same(b"equal", b"equal").unwrap();
        let error = same(b"built in /one", b"built in /two").unwrap_err().to_string();
        assert!(error.contains("first at 10"), "{error}");
        let error = same(b"short", b"shorter").unwrap_err().to_string();
        assert!(error.contains("5 and 7 octets, first at 5"), "{error}");
    }

    #[test]
    fn a_real_compiler_forgets_its_folder() {
        let build = |folder: &Path| {
            let source = folder.join("main.rs");
            fs::create_dir_all(folder).unwrap();
            fs::write(&source, "fn main() { panic!(\"{}\", file!()) }").unwrap();
            let flags = places(folder.to_str().unwrap()).rust_flags().unwrap();
            let out = folder.join("program");
            let status = Command::new("rustc")
                .args(["-C", "debuginfo=line-tables-only", "--crate-name", "main"])
                .args(flags.split(FLAG_SEPARATOR))
                .arg(&source)
                .arg("-o")
                .arg(&out)
                .status();
            assert!(status.unwrap().success());
            fs::read(out).unwrap()
        };
        let place = env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        let (one, other) = (build(&place.join("one")), build(&place.join("a/longer/name")));
        fs::remove_dir_all(&place).unwrap();
        same(&one, &other).unwrap();
    }
}
