//! Each mutation still fits: its text occurs exactly once, and its test exists and belongs to its case. Whether the
//! test fails is for `cargo xtask mutate`.

use std::fs;

use anyhow::ensure;

use crate::cases;
use crate::mutation::{self, Mutation};
use crate::workspace::{Tally, root};

pub fn run() -> anyhow::Result<Tally> {
    let tests: Vec<_> = cases::tests()?.into_iter().map(|test| test.name).collect();
    let mutations = mutation::all()?;
    let mut wrong = Vec::new();
    for mutation in &mutations {
        let text = fs::read_to_string(root().join(&mutation.file)).unwrap_or_default();
        wrong.extend(judge(mutation, &text, &tests));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} mutations fit", mutations.len());
    Ok(Tally::passed(1))
}

fn judge(mutation: &Mutation, text: &str, tests: &[String]) -> Option<String> {
    let Mutation { case, test, file, .. } = mutation;
    let times = text.matches(&mutation.find).count();
    if times != 1 {
        return Some(format!("mutation of T{case} ({test}): its text occurs {times} times in {file}"));
    }
    if !test.starts_with(&format!("t{case:03}_")) {
        return Some(format!("mutation of T{case}: {test} is not a test of this case"));
    }
    (!tests.contains(test)).then(|| format!("mutation of T{case}: there is no test {test}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutation_that_no_longer_fits_is_found() {
        let mutation = Mutation {
            case: 17,
            test: "t017_x".into(),
            file: "a.rs".into(),
            find: "check()".into(),
            replace: "true".into(),
            integration: None,
            package: "p".into(),
        };
        let tests = ["t017_x".to_owned()];
        assert_eq!(judge(&mutation, "if check() {", &tests), None);
        assert!(judge(&mutation, "if check() && check() {", &tests).is_some());
        assert!(judge(&mutation, "", &tests).is_some());
        assert!(judge(&mutation, "if check() {", &[]).is_some());
        let other = Mutation { case: 18, ..mutation };
        assert!(judge(&other, "if check() {", &tests).is_some());
    }
}
