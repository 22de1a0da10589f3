//! `cargo xtask cases`: for each T-case at the head of `docs/attacks.md` the tests that show it, whether they passed,
//! and the mutation that makes one fail.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, ensure};

use crate::libtest::{Outcome, function, outcomes};
use crate::mutation::{self, Mutation, Verdict};
use crate::reference;
use crate::workspace::{Tally, cargo, files_with, output, root};

/// A test that names a case.
pub struct CaseTest {
    pub case: u16,
    /// The name of the function.
    pub name: String,
}

/// What is known of one case.
struct Standing {
    tests: usize,
    passed: usize,
    mutations: usize,
    caught: usize,
}

impl Standing {
    /// Shown: there are tests, all pass, and at least one mutation was caught and none survived.
    const fn shown(&self) -> bool {
        self.tests > 0 && self.passed == self.tests && self.mutations > 0 && self.caught == self.mutations
    }
}

pub fn run() -> anyhow::Result<Tally> {
    let list = fs::read_to_string(root().join("docs/attacks.md")).context("docs/attacks.md, the list of cases")?;
    let cases = listed(&list);
    ensure!(!cases.is_empty(), "docs/attacks.md lists no case (`- T17 ...`)");
    let tests = tests()?;
    let results = results(&tests)?;
    let mutations = mutation::all()?;
    let records = mutation::records()?;

    let mut tally = Tally::default();
    let mut shown = 0;
    for (case, title) in &cases {
        println!("T{case} {title}");
        let mut standing = Standing { tests: 0, passed: 0, mutations: 0, caught: 0 };
        for test in tests.iter().filter(|test| test.case == *case) {
            let outcome = results.get(&test.name);
            standing.tests += 1;
            standing.passed += usize::from(outcome == Some(&Outcome::Passed));
            println!("    {} {}", spoken(outcome), test.name);
        }
        for mutation in mutations.iter().filter(|mutation| mutation.case == *case) {
            let verdict = mutation::current(mutation, &records)?;
            standing.mutations += 1;
            standing.caught += usize::from(verdict == Some(Verdict::Caught));
            println!("    {}", described(mutation, verdict));
        }
        if standing.tests == 0 {
            println!("    no test yet");
        }
        if standing.mutations == 0 {
            println!("    no mutation yet");
        }
        shown += usize::from(standing.shown());
        tally.passed += standing.passed;
        tally.failed += standing.tests - standing.passed;
    }
    for test in tests.iter().filter(|test| !cases.contains_key(&test.case)) {
        println!("{} names a case that docs/attacks.md does not list", test.name);
        tally.failed += 1;
    }
    println!("{shown} of {} cases: every test passed and every mutation was caught", cases.len());
    Ok(tally)
}

const fn spoken(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Passed) => "passed ",
        Some(Outcome::Failed) => "FAILED ",
        Some(Outcome::Ignored) => "ignored",
        None => "not run",
    }
}

fn described(mutation: &Mutation, verdict: Option<Verdict>) -> String {
    let verdict = match verdict {
        Some(Verdict::Caught) => "caught  ",
        Some(Verdict::Survived) => "SURVIVED",
        Some(Verdict::Invalid) => "INVALID ",
        None => "not run since the file changed",
    };
    let first = mutation.find.trim().lines().next().unwrap_or_default();
    format!("mutation {verdict} {} ({}: `{first}`)", mutation.test, mutation.file)
}

/// Number and title of each line `- T17 ...`.
fn listed(text: &str) -> BTreeMap<u16, String> {
    text.lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("- T")?;
            let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            let (number, title) = rest.split_at(digits);
            Some((number.parse().ok()?, title.trim_start_matches([':', '.', ' ']).to_owned()))
        })
        .collect()
}

/// Every `fn tNNN_...` of the sources.
pub fn tests() -> anyhow::Result<Vec<CaseTest>> {
    let mut tests = Vec::new();
    for file in files_with("rs")? {
        tests.extend(fs::read_to_string(root().join(file))?.lines().filter_map(named));
    }
    tests.sort_by(|one, other| one.name.cmp(&other.name));
    tests.dedup_by(|one, other| one.name == other.name);
    Ok(tests)
}

fn named(line: &str) -> Option<CaseTest> {
    let name = line.trim_start().strip_prefix("fn ")?;
    let end = name.find(|character: char| !character.is_ascii_alphanumeric() && character != '_')?;
    let name = name.get(..end)?;
    let digits = name.strip_prefix('t')?.get(..3)?;
    let underscore = name.get(4..5)? == "_";
    let case = digits.parse().ok().filter(|_| underscore)?;
    Some(CaseTest { case, name: name.to_owned() })
}

/// The outcome of each test by name; of several with one name the worst.
fn results(tests: &[CaseTest]) -> anyhow::Result<BTreeMap<String, Outcome>> {
    println!("running {} tests that name a case", tests.len());
    let mut command =
        cargo(&["test", "--workspace", "--exclude", "carevow-benches", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    command.args(["--", "--include-ignored"]).args(tests.iter().map(|test| &test.name));
    if let Ok(python) = reference::interpreter() {
        command.env(reference::INTERPRETER, python);
    }
    // A failing test is a result, not an error of this command; one that does not build leaves all unrun.
    let text = match output(&mut command) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(&command.output()?.stdout).into_owned(),
    };
    let mut results = BTreeMap::new();
    for (path, outcome) in outcomes(&text) {
        let known = results.entry(function(path).to_owned()).or_insert(outcome);
        if *known == Outcome::Passed {
            *known = outcome;
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_from_their_lines() {
        let cases = listed("# Attacks\n- T1 ◇ each key\n- T17: device\ntext T9\n- Two\n  - T3 no\n- T154 locked\n");
        assert_eq!(cases.keys().copied().collect::<Vec<_>>(), [1, 17, 154]);
        assert_eq!(cases.get(&17).map(String::as_str), Some("device"));
    }

    #[test]
    fn tests_are_known_by_their_three_digits() {
        let found = |line| named(line).map(|test| (test.case, test.name));
        assert_eq!(found("    fn t017_a_device() {"), Some((17, "t017_a_device".into())));
        assert_eq!(found("fn t154_x(bytes in any::<u8>()) {"), Some((154, "t154_x".into())));
        for other in ["fn t17_x() {", "fn total_1() {", "// fn t017_x() {", "fn t0171() {", "let t017_x = 1;"] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn a_case_is_shown_only_by_tests_and_mutations_together() {
        let shown = |tests, passed, mutations, caught| Standing { tests, passed, mutations, caught }.shown();
        assert!(shown(2, 2, 1, 1));
        for (tests, passed, mutations, caught) in [(0, 0, 0, 0), (2, 1, 1, 1), (1, 1, 0, 0), (1, 1, 2, 1), (0, 0, 1, 1)]
        {
            assert!(!shown(tests, passed, mutations, caught));
        }
    }
}
