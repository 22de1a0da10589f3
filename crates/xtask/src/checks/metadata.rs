//! The part of `cargo metadata` that the checks need.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::workspace::{cargo, output};

#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    /// `None` for a member of the workspace.
    pub source: Option<String>,
    pub dependencies: Vec<Dependency>,
    pub features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `None`: a normal one.
    pub kind: Option<String>,
    /// Set for a member of the workspace.
    pub path: Option<String>,
}

/// Of the whole workspace, exactly as locked.
pub fn load() -> anyhow::Result<Metadata> {
    let json = output(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    Ok(serde_json::from_str(&json)?)
}
