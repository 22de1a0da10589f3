//! Mutations as they are written down (`crates/*/mutations/*.toml`) and what came of them (`docs/mutations.json`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::workspace::{files_with, root};

/// One check switched off, and the test that must then fail.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    pub case: u16,
    /// The name of the function.
    pub test: String,
    /// From the root.
    pub file: String,
    pub find: String,
    pub replace: String,
    /// The integration test of the package that holds the test; without, its library does.
    pub integration: Option<String>,
    /// The package that holds the test: the one in whose folder the mutation is written.
    #[serde(skip)]
    pub package: String,
}

impl Mutation {
    /// The arguments of `cargo test` that choose where its test is.
    pub fn target(&self) -> Vec<&str> {
        let package = ["--package", &self.package];
        let part = self.integration.as_deref().map_or(vec!["--lib"], |name| vec!["--test", name]);
        [&package, part.as_slice()].concat()
    }

    /// What it is known by in the records.
    pub fn key(&self) -> String {
        let parts = [self.test.as_str(), &self.file, &self.find, &self.replace];
        let mut sha = Sha256::new();
        for part in parts {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        hex::encode(sha.finalize()).chars().take(16).collect()
    }

    /// SHA-256 of the file as it is now: a recorded result holds only for this.
    pub fn file_hash(&self) -> anyhow::Result<String> {
        let bytes = fs::read(root().join(&self.file)).with_context(|| self.file.clone())?;
        Ok(hex::encode(Sha256::digest(bytes)))
    }
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The test failed, as it must.
    Caught,
    /// The test passed: it does not show what it claims.
    Survived,
    /// It did not compile, did not end, does not fit, or the test fails without it.
    Invalid,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Record {
    pub case: u16,
    pub test: String,
    pub file: String,
    pub file_sha256: String,
    pub verdict: Verdict,
}

/// By the key of the mutation.
pub type Records = BTreeMap<String, Record>;

const RECORDS: &str = "docs/mutations.json";

/// All mutations of all crates, by case.
pub fn all() -> anyhow::Result<Vec<Mutation>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        mutation: Vec<Mutation>,
    }
    let mut mutations = Vec::new();
    for file in files_with("toml")? {
        let Some(folder) = file.parent().filter(|folder| folder.ends_with("mutations")) else {
            continue;
        };
        let text = fs::read_to_string(root().join(&file))?;
        let parsed: File = toml::from_str(&text).with_context(|| file.display().to_string())?;
        let package = package(folder.parent().unwrap_or(folder))?;
        mutations.extend(parsed.mutation.into_iter().map(|mutation| Mutation { package: package.clone(), ..mutation }));
    }
    mutations.sort_by_key(|mutation| mutation.case);
    Ok(mutations)
}

fn package(folder: &Path) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Manifest {
        package: Name,
    }
    #[derive(Deserialize)]
    struct Name {
        name: String,
    }
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml"))?;
    Ok(toml::from_str::<Manifest>(&text)?.package.name)
}

/// What is recorded; nothing if nothing was run yet.
pub fn records() -> anyhow::Result<Records> {
    match fs::read_to_string(root().join(RECORDS)) {
        Ok(text) => serde_json::from_str(&text).context(RECORDS),
        Err(_) => Ok(Records::new()),
    }
}

pub fn write(records: &Records) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(records)? + "\n";
    fs::write(root().join(RECORDS), text).context(RECORDS)
}

/// The recorded verdict, if the file is still the one that was judged.
pub fn current(mutation: &Mutation, records: &Records) -> anyhow::Result<Option<Verdict>> {
    let hash = mutation.file_hash()?;
    let record = records.get(&mutation.key()).filter(|record| record.file_sha256 == hash);
    Ok(record.map(|record| record.verdict))
}
