//! Every crate that core links and that can wipe its secrets does so: its `zeroize` feature is on in what is resolved
//! for core alone. (The features of the whole workspace would not do: a development dependency can switch one on.)

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;

use super::metadata;
use crate::workspace::{Tally, cargo, output};

/// Those that must be found with the feature on: a crate that loses it, or is renamed, does not pass unseen.
const REQUIRED: [&str; 10] = [
    "aes",
    "aes-gcm",
    "curve25519-dalek",
    "ed25519-dalek",
    "hmac",
    "hybrid-array",
    "ml-kem",
    "sha2",
    "x-wing",
    "x25519-dalek",
];

/// Those whose feature is off and may be, with the reason. No crate in between offers to switch it on.
const NEEDLESS: [(&str, &str); 4] = [
    ("cipher", "AES-GCM uses the counter mode without the buffer that this would wipe"),
    ("crypto-common", "it only forwards to hybrid-array, which must have it on"),
    ("ctr", "it would wipe the nonce and the counter, which are public"),
    ("ed25519", "it would wipe signatures and PKCS#8 documents: the former are public, the latter not in use"),
];

pub fn run() -> anyhow::Result<Tally> {
    let tree = output(&mut cargo(&[
        "tree",
        "--locked",
        "--package",
        "carevow-core",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}|{f}",
    ]))?;
    let offering: BTreeSet<_> = metadata::load()?
        .packages
        .into_iter()
        .filter(|package| package.features.contains_key("zeroize"))
        .map(|package| format!("{} v{}", package.name, package.version))
        .collect();
    let (on, wrong) = judge(&tree, &offering);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{on} crates have `zeroize` on; off, with a reason: {}", NEEDLESS.map(|(name, _)| name).join(", "));
    Ok(Tally::passed(1))
}

/// How many crates have the feature on, and what is wrong. Lines of `tree` are `name vX.Y.Z ...|feature,feature`.
fn judge(tree: &str, offering: &BTreeSet<String>) -> (usize, Vec<String>) {
    let mut found = BTreeMap::new();
    for line in tree.lines() {
        let Some((package, features)) = line.split_once('|') else {
            continue;
        };
        let package: Vec<_> = package.split_whitespace().take(2).collect();
        let features = features.trim_end_matches(" (*)");
        let on = features.split(',').any(|feature| feature == "zeroize");
        *found.entry(package.join(" ")).or_insert(false) |= on;
    }
    let excused = |package: &str| NEEDLESS.iter().any(|(name, _)| package.starts_with(&format!("{name} v")));
    let mut wrong: Vec<_> = found
        .iter()
        .filter(|(package, on)| !**on && offering.contains(*package) && !excused(package))
        .map(|(package, _)| format!("{package}: its feature `zeroize` is off"))
        .collect();
    for name in REQUIRED {
        let prefix = format!("{name} v");
        if !found.iter().any(|(package, on)| *on && package.starts_with(&prefix)) {
            wrong.push(format!("{name} is not there with `zeroize` on"));
        }
    }
    (found.values().filter(|on| **on).count(), wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        REQUIRED.map(|name| format!("{name} v1.0.0|alloc,zeroize\n")).concat()
    }

    fn offering() -> BTreeSet<String> {
        ["sha2 v1.0.0", "extra v2.0.0"].map(String::from).into()
    }

    #[test]
    fn a_crate_that_could_wipe_and_does_not_is_found() {
        let tree = good() + "extra v2.0.0|alloc\nother v1.0.0|alloc\n";
        assert_eq!(judge(&tree, &offering()).1, ["extra v2.0.0: its feature `zeroize` is off"]);
        let tree = good() + "extra v2.0.0|alloc,zeroize (*)\nother v1.0.0|\n";
        assert_eq!(judge(&tree, &offering()), (REQUIRED.len() + 1, vec![]));
    }

    #[test]
    fn only_what_has_a_reason_is_excused() {
        let offering = ["ctr v1.0.0", "ctrl v1.0.0"].map(String::from).into();
        let tree = good() + "ctr v1.0.0|\nctrl v1.0.0|\n";
        assert_eq!(judge(&tree, &offering).1, ["ctrl v1.0.0: its feature `zeroize` is off"]);
    }

    #[test]
    fn a_required_crate_that_is_gone_or_lost_the_feature_is_found() {
        let tree = good().replace("sha2 v1.0.0|alloc,zeroize", "sha2 v1.0.0|alloc");
        let expected = ["sha2 v1.0.0: its feature `zeroize` is off", "sha2 is not there with `zeroize` on"];
        assert_eq!(judge(&tree, &offering()).1, expected);
        assert_eq!(judge("", &offering()).1.len(), REQUIRED.len());
    }
}
