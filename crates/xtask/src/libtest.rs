//! What Rust's test runner prints.

use crate::workspace::Tally;

/// How one test ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// Each test of `text` with its path and how it ended.
pub fn outcomes(text: &str) -> Vec<(&str, Outcome)> {
    let ended = |line: &'_ str| {
        let outcome = match line.rsplit_once(" ... ")?.1.trim() {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            other if other.starts_with("ignored") => Outcome::Ignored,
            _ => return None,
        };
        Some(outcome)
    };
    text.lines()
        .filter_map(|line| {
            let path = line.strip_prefix("test ")?.split(" ... ").next()?;
            let path = path.trim_end_matches(" - should panic");
            Some((path, ended(line)?))
        })
        .collect()
}

/// The name of the function at the end of a path.
pub fn function(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// The sum of all `test result:` lines.
pub fn tally(text: &str) -> Tally {
    let mut sum = Tally::default();
    for line in text.lines().filter(|line| line.starts_with("test result:")) {
        sum += Tally { passed: count_before(line, " passed"), failed: count_before(line, " failed") };
    }
    sum
}

fn count_before(line: &str, word: &str) -> usize {
    let number = line.split(word).next().and_then(|text| text.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
running 4 tests
test a::t001_one ... ok
test a::b::t001_two ... FAILED
test c - should panic ... ok
test d ... ignored, slow

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s
test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn each_test_is_read_with_its_outcome() {
        let expected = [
            ("a::t001_one", Outcome::Passed),
            ("a::b::t001_two", Outcome::Failed),
            ("c", Outcome::Passed),
            ("d", Outcome::Ignored),
        ];
        assert_eq!(outcomes(TEXT), expected);
        assert_eq!(function("a::b::t001_two"), "t001_two");
    }

    #[test]
    fn result_lines_are_summed() {
        assert_eq!(tally(TEXT), Tally { passed: 32, failed: 1 });
    }
}
