//! Every dependency is permissively licensed and comes from crates.io. `deny.toml` says the same for cargo-deny.

use anyhow::ensure;

use super::metadata::{self, Package};
use crate::workspace::Tally;

/// The same list as in `deny.toml`.
const PERMISSIVE: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub fn run() -> anyhow::Result<Tally> {
    let packages = metadata::load()?.packages;
    let wrong: Vec<_> = packages.iter().filter_map(judge).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} packages are permissively licensed and come from crates.io", packages.len());
    Ok(Tally::passed(1))
}

fn judge(package: &Package) -> Option<String> {
    let Package { name, version, .. } = package;
    let from = package.source.as_deref().unwrap_or(CRATES_IO);
    if from != CRATES_IO {
        return Some(format!("{name} {version} comes from {from}"));
    }
    match package.license.as_deref() {
        None => Some(format!("{name} {version} names no licence")),
        Some(license) if permitted(license) => None,
        Some(license) => Some(format!("{name} {version} is licensed {license}")),
    }
}

/// Whether an SPDX expression lets us choose permissive licences only. `/` is the old way to write `OR`.
fn permitted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
    any_of(&mut words).unwrap_or(false) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn any_of(words: &mut Words<'_>) -> Option<bool> {
    let mut verdict = all_of(words)?;
    while words.next_if_eq(&"OR").is_some() {
        verdict |= all_of(words)?;
    }
    Some(verdict)
}

fn all_of(words: &mut Words<'_>) -> Option<bool> {
    let mut verdict = one(words)?;
    while words.next_if_eq(&"AND").is_some() {
        verdict &= one(words)?;
    }
    Some(verdict)
}

fn one(words: &mut Words<'_>) -> Option<bool> {
    if words.next_if_eq(&"(").is_some() {
        let verdict = any_of(words)?;
        words.next_if_eq(&")")?;
        return Some(verdict);
    }
    let name = words.next()?;
    match words.next_if_eq(&"WITH") {
        None => Some(PERMISSIVE.contains(&name)),
        Some(_) => {
            let exception = words.next()?;
            Some(PERMISSIVE.contains(&format!("{name} WITH {exception}").as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged_as_a_choice() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(permitted(good), "{good}");
        }
        for bad in [
            "AGPL-3.0-only",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "(MIT OR ISC) AND LGPL-2.1-only",
            "MIT WITH something",
            "",
            "MIT OR",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!permitted(bad), "{bad}");
        }
    }

    fn package(license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: "p".into(),
            version: "1.0.0".into(),
            license: license.map(Into::into),
            source: source.map(Into::into),
            dependencies: vec![],
            features: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_package_of_another_source_or_without_a_licence_is_found() {
        assert_eq!(judge(&package(Some("MIT"), Some(CRATES_IO))), None);
        assert_eq!(judge(&package(Some("MIT"), None)), None);
        assert!(judge(&package(Some("MIT"), Some("git+https://example.org/p"))).is_some());
        assert!(judge(&package(None, Some(CRATES_IO))).is_some());
        assert!(judge(&package(Some("AGPL-3.0-only"), Some(CRATES_IO))).is_some());
    }
}
