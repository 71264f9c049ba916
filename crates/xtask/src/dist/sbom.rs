//! The list of a program's parts, as CycloneDX 1.5 JSON: what somebody searches when a library
//! turns out to have a hole.

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    path::Path,
    process::Command,
};

/// The parts of package `program`: everything that is linked into it or builds it, with version,
/// licence and the checksum that the lock file holds.
///
/// # Errors
/// When cargo does not answer or the lock file does not read.
pub(super) fn of(root: &Path, program: &str) -> anyhow::Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", PLATFORM])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).context("`cargo metadata` changed")?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    document(&metadata, &toml::from_str(&lock).context("`Cargo.lock` does not read")?, program)
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn document(metadata: &Metadata, lock: &Lock, program: &str) -> anyhow::Result<String> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let root = metadata.packages.iter().find(|package| package.name == program);
    let root = root.with_context(|| format!("there is no package `{program}`"))?;
    let reached = reached(&metadata.resolve, &root.id);
    let parts = reached.keys().filter(|id| **id != root.id).filter_map(|id| packages.get(id));
    let components: Vec<Value> = parts.map(|package| component(package, lock)).collect();
    let purls = |ids: &BTreeSet<&str>| -> Vec<String> {
        ids.iter().filter_map(|id| packages.get(id)).map(|package| purl(package)).collect()
    };
    let dependencies: Vec<Value> = reached
        .iter()
        .filter_map(|(id, on)| Some((packages.get(id)?, on)))
        .map(|(package, on)| json!({ "ref": purl(package), "dependsOn": purls(on) }))
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": purl(root), "name": root.name,
            "version": root.version, "purl": purl(root),
        } },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{document:#}\n"))
}

/// Every package that `root` needs, and what each of them needs. What only tests need is left out.
fn reached<'m>(resolve: &'m Resolve, root: &'m str) -> BTreeMap<&'m str, BTreeSet<&'m str>> {
    let nodes: BTreeMap<&str, &Node> =
        resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut reached = BTreeMap::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if reached.contains_key(id) {
            continue;
        }
        let deps = nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
        let needed = deps
            .iter()
            .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev")));
        let needed: BTreeSet<&str> = needed.map(|dep| dep.pkg.as_str()).collect();
        open.extend(&needed);
        reached.insert(id, needed);
    }
    reached
}

fn component(package: &Package, lock: &Lock) -> Value {
    let of_lock =
        |locked: &&Locked| locked.name == package.name && locked.version == package.version;
    let locked = lock.package.iter().find(of_lock);
    let checksum = locked.and_then(|locked| locked.checksum.as_ref());
    let hashes = checksum.map(|sum| json!([{ "alg": "SHA-256", "content": sum }]));
    // SPDX wants `OR` where old manifests have a slash.
    let license = package.license.as_ref().map(|license| license.replace('/', " OR "));
    json!({
        "type": "library", "bom-ref": purl(package), "name": package.name,
        "version": package.version, "purl": purl(package),
        "licenses": license.map_or_else(Vec::new, |text| vec![json!({ "expression": text })]),
        "hashes": hashes.unwrap_or_else(|| json!([])),
    })
}

/// Package URL: <https://github.com/package-url/purl-spec>, type `cargo`. Ours are in no registry.
fn purl(package: &Package) -> String {
    let Package { name, version, .. } = package;
    match package.source {
        Some(_) => format!("pkg:cargo/{name}@{version}"),
        None => format!("pkg:generic/parlatory/{name}@{version}"),
    }
}

/// What is published.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_is_linked_and_nothing_else() {
        let package = |name: &str, source: Option<&str>| {
            json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
                    "source": source })
        };
        let dep = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("parlatory", None), package("linked", Some("r")),
                         package("builds", Some("r")), package("tests", Some("r"))],
            "resolve": { "nodes": [
                { "id": "parlatory", "deps": [dep("linked", None), dep("tests", Some("dev"))] },
                { "id": "linked", "deps": [dep("builds", Some("build"))] },
                { "id": "builds", "deps": [] },
                { "id": "tests", "deps": [] },
            ] },
        });
        let lock = "[[package]]\nname = \"linked\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
        let metadata = serde_json::from_value(metadata).unwrap();
        let text = document(&metadata, &toml::from_str(lock).unwrap(), "parlatory").unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> =
            read["components"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
        assert_eq!(names, ["builds", "linked"]);
        assert_eq!(read["components"][1]["hashes"][0]["content"], "abc");
        assert_eq!(read["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(read["metadata"]["component"]["purl"], "pkg:generic/parlatory/parlatory@1.0.0");
        assert!(document(&metadata, &toml::from_str(lock).unwrap(), "other").is_err());
    }

    #[test]
    fn our_own_program_has_a_list() {
        let text = of(&crate::root(), "parlatory").unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        let components = read["components"].as_array().unwrap();
        assert!(
            components
                .iter()
                .any(|part| part["name"] == "aes-gcm" && part["hashes"][0].is_object())
        );
        assert!(!text.contains("trybuild"), "a part of tests only is listed");
    }
}
