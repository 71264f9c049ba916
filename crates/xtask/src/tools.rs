//! Programs of others that the build or the tests need, and how to come by them.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command, Stdio},
};

/// A program that is not ours.
#[derive(Debug)]
pub(crate) struct Tool {
    /// Its name on the search path; or the whole path of a file, of what is no program.
    pub(crate) program: &'static str,
    /// Debian packages that bring it, without their recommended ones.
    pub(crate) packages: &'static [&'static str],
    /// What it is needed for.
    pub(crate) purpose: &'static str,
    /// What it does that not every user may.
    pub(crate) right: Right,
    /// What happens without it.
    pub(crate) need: Need,
}

/// What a tool does that not every user may (capabilities(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Nothing of the kind.
    Any,
    /// It sends through raw sockets.
    RawSockets,
    /// It mounts a file system.
    Mount,
}

/// What happens without a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing can be built.
    Build,
    /// The tests whose names contain this are left out, which is said aloud.
    Tests(&'static str),
}

/// Every program of others that `cargo xtask check` may need.
pub(crate) const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        packages: &["gcc", "libc6-dev"],
        purpose: "compiles the embedded database and the allocator",
        right: Right::Any,
        need: Need::Build,
    },
    Tool {
        program: "sipp",
        packages: &["sip-tester"],
        purpose: "plays a station and a called party by script",
        right: Right::RawSockets,
        need: Need::Tests("with_sipp"),
    },
    Tool {
        program: "baresip",
        packages: &["baresip-core"],
        purpose: "plays a person's softphone on either side of a call",
        right: Right::Any,
        need: Need::Tests("with_baresip"),
    },
    Tool {
        program: "openssl",
        packages: &["openssl"],
        purpose: "makes certificates, and checks signatures with other people's code",
        right: Right::Any,
        need: Need::Tests("with_openssl"),
    },
    Tool {
        program: "go",
        packages: &["golang-go", "golang-golang-x-mod-dev"],
        purpose: "checks a log with other people's code",
        right: Right::Any,
        need: Need::Tests("with_go"),
    },
    Tool {
        program: "/usr/include/srtp2/srtp.h",
        packages: &["libsrtp2-dev"],
        purpose: "checks encrypted audio with other people's code",
        right: Right::Any,
        need: Need::Tests("with_libsrtp"),
    },
    Tool {
        program: "node",
        packages: &["nodejs"],
        purpose: "runs the page that checks an export, as a browser would",
        right: Right::Any,
        need: Need::Tests("with_node"),
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/jwt/__init__.py",
        packages: &["python3", "python3-jwt", "python3-cryptography"],
        purpose: "checks signed calls and their certificate with other people's code",
        right: Right::Any,
        need: Need::Tests("with_pyjwt"),
    },
    Tool {
        program: "mount",
        packages: &["mount"],
        purpose: "makes a small disk that can be filled",
        right: Right::Mount,
        need: Need::Tests("with_mount"),
    },
];

/// Installs what is missing where that is possible, and says aloud what is missing still.
/// Returns the missing tools.
///
/// # Errors
/// When a tool is missing without which nothing can be built.
pub(crate) fn prepare() -> anyhow::Result<Vec<&'static Tool>> {
    let absent: Vec<_> = TOOLS.iter().filter(|tool| !found(tool.program)).collect();
    if !absent.is_empty() && may_install() {
        install(&absent);
    }
    let missing: Vec<_> = TOOLS.iter().filter(|tool| lack(tool).is_some()).collect();
    for tool in &missing {
        println!("{}", complaint(tool, lack(tool).unwrap_or_default().as_str()));
    }
    match missing.iter().find(|tool| tool.need == Need::Build) {
        Some(tool) => anyhow::bail!("`{}` is missing and nothing builds without it", tool.program),
        None => Ok(missing),
    }
}

/// Arguments for the test runner that leave out the tests of the missing tools, so that its own
/// summary counts them as filtered out.
pub(crate) fn skips(missing: &[&Tool]) -> Vec<String> {
    missing
        .iter()
        .filter_map(|tool| match tool.need {
            Need::Tests(name) => Some(["--skip".to_owned(), name.to_owned()]),
            Need::Build => None,
        })
        .flatten()
        .collect()
}

/// What keeps a tool from being used, and what to do.
fn lack(tool: &Tool) -> Option<String> {
    if !found(tool.program) {
        return Some(format!("is missing: apt-get install {}", tool.packages.join(" ")));
    }
    let (may, what) = match tool.right {
        Right::Any => return None,
        Right::RawSockets => (may_open_raw_sockets(), "raw sockets"),
        Right::Mount => (may_mount(), "to mount a file system"),
    };
    (!may).then(|| format!("needs {what}: run this as root, where a container allows it"))
}

fn complaint(tool: &Tool, lack: &str) -> String {
    let effect = match tool.need {
        Need::Build => "NOTHING CAN BE BUILT".to_owned(),
        Need::Tests(name) => format!("SKIPPED: every test named *{name}*"),
    };
    format!("!!! `{}` ({}) {lack}. {effect}", tool.program, tool.purpose)
}

fn install(missing: &[&Tool]) {
    let packages: Vec<_> = missing.iter().flat_map(|tool| tool.packages).copied().collect();
    println!("== installing {}", packages.join(" "));
    if !apt_get(&["update"]) {
        println!("!!! apt-get update failed; trying with the package lists as they are");
    }
    // One by one: a package that one system lacks must not keep the others away.
    for package in packages {
        if !apt_get(&["install", "--yes", "--no-install-recommends", package]) {
            println!("!!! apt-get could not install {package}");
        }
    }
}

fn apt_get(args: &[&str]) -> bool {
    Command::new("apt-get")
        .args(["-qq", "-o", LOCK_WAIT])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    root && found("apt-get")
}

/// Whether this process has CAP_NET_RAW, read where Linux states it (proc_pid_status(5)).
fn may_open_raw_sockets() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective_capabilities(&status).is_some_and(|bits| bits & CAP_NET_RAW != 0)
}

/// Whether this process may mount, which is tried: a container may forbid it to root as well.
fn may_mount() -> bool {
    let folder = env::temp_dir().join(format!("xtask-mount-{}", process::id()));
    if fs::create_dir(&folder).is_err() {
        return false;
    }
    let run = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        let command = command.args(args).arg(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let mounted = run("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    if mounted {
        run("umount", &["-l"]);
    }
    // It is empty; where it stays all the same, the system clears it away.
    let _ = fs::remove_dir(&folder);
    mounted
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(bits.trim(), 16).ok()
}

fn found(program: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths).map(|folder: PathBuf| folder.join(program)).any(|file| file.is_file())
}

const CAP_NET_RAW: u64 = 1 << 13;
/// Another installation may be running on the machine.
const LOCK_WAIT: &str = "DPkg::Lock::Timeout=120";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_skips_its_tests_by_name_and_says_so() {
        let missing: Vec<_> = TOOLS.iter().filter(|tool| tool.program == "sipp").collect();
        assert_eq!(skips(&missing), ["--skip", "with_sipp"]);
        assert_eq!(
            complaint(missing[0], "is missing: apt-get install sip-tester"),
            "!!! `sipp` (plays a station and a called party by script) is missing: \
             apt-get install sip-tester. SKIPPED: every test named *with_sipp*"
        );
    }

    #[test]
    fn what_the_build_needs_skips_no_test() {
        let missing: Vec<_> = TOOLS.iter().filter(|tool| tool.need == Need::Build).collect();
        assert!(!missing.is_empty());
        assert!(skips(&missing).is_empty());
    }

    #[test]
    fn a_tool_that_is_not_there_says_what_to_install() {
        let tool = Tool {
            program: "no-such-program-anywhere",
            packages: &["one", "two"],
            purpose: "nothing",
            right: Right::RawSockets,
            need: Need::Tests("with_nothing"),
        };
        assert_eq!(lack(&tool).unwrap(), "is missing: apt-get install one two");
        assert_eq!(lack(&Tool { program: "sh", right: Right::Any, ..tool }), None);
    }

    #[test]
    fn a_tool_that_may_not_do_its_work_is_as_good_as_missing() {
        let named = |program: &str| TOOLS.iter().find(|tool| tool.program == program).unwrap();
        let refused = "needs to mount a file system: run this as root, where a container allows it";
        let lacks = lack(named("mount"));
        assert_eq!(lacks.as_deref(), (!may_mount()).then_some(refused));
        assert_eq!(skips(&[named("mount")]), ["--skip", "with_mount"]);
        // Nothing of the trial is left.
        let folder = env::temp_dir().join(format!("xtask-mount-{}", process::id()));
        assert!(!folder.exists());
    }

    #[test]
    fn capabilities_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tsipp\nCapPrm:\t0000000000000000\nCapEff:\t00000000a80425fb\n";
        assert!(effective_capabilities(status).unwrap() & CAP_NET_RAW != 0);
        assert_eq!(effective_capabilities("CapEff:\t0000000000000000\n"), Some(0));
        assert_eq!(effective_capabilities("Name:\tsipp\n"), None);
    }

    #[test]
    fn programs_are_found_on_the_search_path_and_files_where_they_are() {
        assert!(found("sh"));
        assert!(found("/etc/passwd"));
        assert!(!found("/etc/no-such-file"));
        assert!(!found("no-such-program-anywhere"));
    }
}
