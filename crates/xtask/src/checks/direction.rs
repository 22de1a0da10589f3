//! Dependencies point one way: `docs/architecture.md`. Core depends on cryptography and a handful of others only.

use anyhow::{Context as _, ensure};

use super::metadata::{self, Metadata};
use crate::workspace::Tally;

/// Which members of the workspace a member may use. Tools and tests (`xtask`, `carevow-benches`, `carevow-testing`)
/// may use all and are used by none.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("carevow-core", &[]),
    ("carevow-store", &["carevow-core"]),
    ("carevow", &["carevow-core", "carevow-store"]),
    ("carevow-fhir", &["carevow"]),
    ("carevow-ffi", &["carevow", "carevow-fhir"]),
    ("carevow-relay", &["carevow-core"]),
    ("carevow-cli", &["carevow-core", "carevow", "carevow-fhir", "carevow-relay"]),
    ("uniffi-bindgen", &[]),
];
const TOOLS: [&str; 3] = ["xtask", "carevow-benches", "carevow-testing"];

/// What core may name beside the standard library.
const OF_CORE: [&str; 15] = [
    "aes-gcm",
    "base64ct",
    "curve25519-dalek",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "hpke",
    "ml-kem",
    "prost",
    "rand_core",
    "sha2",
    "subtle",
    "thiserror",
    "x25519-dalek",
    "zeroize",
];

pub fn run() -> anyhow::Result<Tally> {
    let wrong = judge(&metadata::load()?)?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(Tally::passed(1))
}

fn judge(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for package in metadata.packages.iter().filter(|package| package.source.is_none()) {
        let name = package.name.as_str();
        if TOOLS.contains(&name) {
            continue;
        }
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(member, _)| *member == name)
            .with_context(|| format!("{name} is new: say in checks/direction.rs what it may use"))?;
        let shipped = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
        for dependency in shipped {
            let used = dependency.name.as_str();
            if dependency.path.is_some() && !allowed.contains(&used) {
                wrong.push(format!("{name} must not use {used}"));
            }
            if name == "carevow-core" && dependency.path.is_none() && !OF_CORE.contains(&used) {
                wrong.push(format!("{used} is not on the list of what carevow-core may use"));
            }
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::metadata::{Dependency, Package};

    fn member(name: &str, dependencies: &[(&str, bool, Option<&str>)]) -> Package {
        Package {
            name: name.into(),
            version: "0.1.0".into(),
            license: None,
            source: None,
            features: std::collections::BTreeMap::new(),
            dependencies: dependencies
                .iter()
                .map(|(name, own, kind)| Dependency {
                    name: (*name).into(),
                    kind: kind.map(Into::into),
                    path: own.then(|| "/somewhere".into()),
                })
                .collect(),
        }
    }

    fn wrong(package: Package) -> Vec<String> {
        judge(&Metadata { packages: vec![package] }).unwrap()
    }

    #[test]
    fn an_edge_that_is_not_listed_is_found() {
        let relay = member("carevow-relay", &[("carevow-core", true, None), ("carevow-store", true, None)]);
        assert_eq!(wrong(relay), ["carevow-relay must not use carevow-store"]);
        assert!(wrong(member("carevow-relay", &[("carevow-core", true, None)])).is_empty());
    }

    #[test]
    fn core_names_nothing_but_what_is_listed() {
        let core =
            member("carevow-core", &[("tokio", false, None), ("sha2", false, None), ("proptest", false, Some("dev"))]);
        assert_eq!(wrong(core), ["tokio is not on the list of what carevow-core may use"]);
    }

    #[test]
    fn a_new_member_must_be_given_its_place() {
        assert!(judge(&Metadata { packages: vec![member("carevow-new", &[])] }).is_err());
    }
}
