//! Runs the fuzz targets of `fuzz/` and keeps what they found worth keeping; see docs/fuzzing.md.
//!
//! The engine is libFuzzer, built with the toolchain that builds the program: coverage comes from
//! a pass of LLVM that stable compilers have. The corpus of a target is one file, `fuzz/corpus/
//! NAME.pack`, so that thousands of inputs are one thing to commit; `fuzz/seeds/NAME` holds inputs
//! made by hand.

use anyhow::{Context, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What to run.
pub(crate) struct Run {
    /// One target, or all of them.
    pub(crate) target: Option<String>,
    /// Executions of each.
    pub(crate) runs: u64,
}

/// Builds the targets, runs them one after the other at the lowest priority, and packs the inputs
/// that reached something of their own.
///
/// # Errors
/// When a target cannot be built or fails; the input that it failed on is kept, and named.
pub(crate) fn run(root: &Path, wanted: &Run) -> anyhow::Result<()> {
    let folder = root.join("fuzz");
    let all = targets(&folder)?;
    let chosen: Vec<_> = match &wanted.target {
        Some(name) if !all.contains(name) => {
            bail!("there is no target `{name}`: there are {}", all.join(", "))
        }
        Some(name) => vec![name.clone()],
        None => all,
    };
    build(&folder, &chosen)?;
    chosen.iter().try_for_each(|name| fuzz(&folder, name, wanted.runs))
}

/// The names of all targets: each has seeds.
fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("seeds")).context("cannot read `fuzz/seeds`")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build(folder: &Path, names: &[String]) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--locked", "--target", TRIPLE]).current_dir(folder);
    for name in names {
        command.args(["--bin", name]);
    }
    let passed = command.env("RUSTFLAGS", COVERAGE.join(" ")).status()?.success();
    if passed { Ok(()) } else { bail!("the fuzz targets do not build") }
}

fn fuzz(folder: &Path, name: &str, runs: u64) -> anyhow::Result<()> {
    let packed = folder.join("corpus").join(format!("{name}.pack"));
    let work = folder.join("target").join("work").join(name);
    let (found, merged) = (work.join("found"), work.join("merged"));
    for inputs in [&found, &merged] {
        if inputs.is_dir() {
            fs::remove_dir_all(inputs)?;
        }
        fs::create_dir_all(inputs)?;
    }
    for (number, input) in (0..).zip(unpack(&packed)?) {
        fs::write(found.join(format!("{number:05}")), input)?;
    }
    let seeds = folder.join("seeds").join(name);
    let artifacts = format!("-artifact_prefix={}/", work.display());
    let binary = folder.join("target").join(TRIPLE).join("release").join(name);
    let start = |options: &[&str], folders: [&PathBuf; 2]| -> anyhow::Result<()> {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(&binary).args(options).arg(&artifacts).args(folders);
        let passed = command.status().with_context(|| format!("cannot run `{name}`"))?.success();
        let kept = work.display();
        if passed { Ok(()) } else { bail!("`{name}` failed; the input is kept in `{kept}`") }
    };
    println!("== {name}: {runs} executions");
    let (runs, longest) = (format!("-runs={runs}"), format!("-max_len={INPUT_OCTETS_MAX}"));
    start(&[&runs, &longest, TIME, MEMORY, "-print_final_stats=1"], [&found, &seeds])?;
    // Keeps the smallest set of inputs that reaches all that these reach.
    start(&["-merge=1", &longest, TIME, MEMORY], [&merged, &found])?;
    fs::create_dir_all(folder.join("corpus"))?;
    let inputs = read_folder(&merged)?;
    println!("== {name}: {} inputs packed into `{}`", inputs.len(), packed.display());
    fs::write(&packed, pack(&inputs)).context("cannot write the corpus")
}

/// The files of a folder, sorted, so that the same inputs are the same pack.
fn read_folder(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder)? {
        inputs.push(fs::read(entry?.path())?);
    }
    inputs.sort();
    Ok(inputs)
}

/// Each input after its length, 4 octets, little-endian.
fn pack(inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut octets = Vec::new();
    for input in inputs {
        let length = u32::try_from(input.len()).unwrap_or(0);
        octets.extend_from_slice(&length.to_le_bytes());
        octets.extend_from_slice(input);
    }
    octets
}

/// The inputs of a pack; none where there is no file.
fn unpack(file: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let octets = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut inputs = Vec::new();
    let mut rest = octets.as_slice();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (input, after) = more.split_at_checked(length).context("the corpus is cut")?;
        inputs.push(input.to_vec());
        rest = after;
    }
    Ok(inputs)
}

/// Inline counters of edges, a table of where they are, and what values are compared with.
const COVERAGE: &[&str] = &[
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Named, so that the flags above are not for build scripts too.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// Octets of an input; what is longer takes longer and reaches little more.
const INPUT_OCTETS_MAX: usize = 4_096;
/// Seconds after which an input counts as a hang.
const TIME: &str = "-timeout=10";
/// MiB of memory that an input may take.
const MEMORY: &str = "-rss_limit_mb=1024";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_a_cut_pack_is_told() {
        let folder = std::env::temp_dir().join(format!("parlatory-pack-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.pack");
        assert!(unpack(&file).unwrap().is_empty());
        let inputs = vec![Vec::new(), vec![1], b"four".to_vec()];
        fs::write(&file, pack(&inputs)).unwrap();
        assert_eq!(unpack(&file).unwrap(), inputs);
        let packed = fs::read(&file).unwrap();
        fs::write(&file, &packed[..packed.len() - 1]).unwrap();
        assert_eq!(unpack(&file).unwrap_err().to_string(), "the corpus is cut");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_target_has_a_binary_and_seeds() {
        let folder = crate::root().join("fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let functions = fs::read_to_string(folder.join("src/targets.rs")).unwrap();
        let names = targets(&folder).unwrap();
        assert_eq!(manifest.matches("[[bin]]").count(), names.len());
        for name in names {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(functions.contains(&format!("(\"{name}\", {name})")), "{name}");
        }
    }

    #[test]
    fn the_lock_of_the_targets_knows_what_our_crates_need_today() {
        let root = crate::root();
        let read = |file: &str| -> toml::Table {
            toml::from_str(&fs::read_to_string(root.join(file)).unwrap()).unwrap()
        };
        let lock = read("fuzz/Cargo.lock");
        let workspace = read("Cargo.toml");
        let mut ours = 0;
        for package in lock["package"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            let manifest = format!("crates/{name}/Cargo.toml");
            if package.get("source").is_some() || !root.join(&manifest).is_file() {
                continue;
            }
            ours += 1;
            let listed = package.get("dependencies").and_then(toml::Value::as_array);
            let listed: Vec<&str> = listed
                .into_iter()
                .flatten()
                .filter_map(|one| one.as_str()?.split(' ').next())
                .collect();
            let wanted = read(&manifest);
            let Some(wanted) = wanted.get("dependencies").and_then(toml::Value::as_table) else {
                continue;
            };
            for (need, how) in wanted {
                let optional = how.get("optional").and_then(toml::Value::as_bool) == Some(true);
                // Some have another name here than their package has.
                let of_all = workspace["workspace"]["dependencies"].get(need);
                let package = of_all.and_then(|one| one.get("package")?.as_str()).unwrap_or(need);
                assert!(
                    optional || listed.contains(&package),
                    "`{name}` needs `{need}`: run `cargo metadata` in `fuzz` and commit its lock"
                );
            }
        }
        assert!(ours > 10, "{ours} crates of ours");
    }
}
