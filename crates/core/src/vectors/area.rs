//! One vector file: cases with an output, and cases that must be refused.

use core::fmt::Debug;

use serde::Serialize;

use super::node::Fields;

/// What an implementation is given, and what it must answer.
#[derive(Serialize)]
struct Case {
    name: String,
    comment: String,
    input: Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The cases of one file.
#[derive(Serialize)]
pub(super) struct Area {
    #[serde(rename = "area")]
    name: &'static str,
    cases: Vec<Case>,
}

impl Area {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, cases: Vec::new() }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// A case that succeeds.
    pub(super) fn gives(&mut self, name: impl Into<String>, comment: impl Into<String>, input: Fields, output: Fields) {
        self.push(name.into(), comment.into(), input, Some(output), None);
    }

    /// A case that is refused with the error of this name.
    pub(super) fn fails(
        &mut self,
        name: impl Into<String>,
        comment: impl Into<String>,
        input: Fields,
        error: impl Into<String>,
    ) {
        self.push(name.into(), comment.into(), input, None, Some(error.into()));
    }

    /// A case that is whatever the code says of it.
    pub(super) fn judged<E: Debug>(
        &mut self,
        name: impl Into<String>,
        comment: impl Into<String>,
        input: Fields,
        result: Result<Fields, E>,
    ) {
        match result {
            Ok(output) => self.gives(name, comment, input, output),
            Err(error) => self.fails(name, comment, input, format!("{error:?}")),
        }
    }

    fn push(&mut self, name: String, comment: String, input: Fields, output: Option<Fields>, error: Option<String>) {
        assert!(self.cases.iter().all(|case| case.name != name), "{name} twice in {}", self.name);
        self.cases.push(Case { name, comment, input, output, error });
    }

    /// Whether every control succeeds: otherwise the refusals beside it would show nothing.
    pub(super) fn controls_succeed(&self) -> bool {
        let is_control = |case: &&Case| case.name.contains("control") || case.name.ends_with("good");
        self.cases.iter().filter(is_control).all(|case| case.output.is_some())
    }

    /// The file.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap() + "\n"
    }
}
