//! `cargo xtask mutate`: switches one check off at a time, in a copy of the workspace, and sees its test fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::libtest::{Outcome, function, outcomes};
use crate::mutation::{self, Mutation, Record, Verdict};
use crate::reference;
use crate::workspace::{Tally, cargo, files, root, succeed};

/// A test that has not ended by then hangs because of the mutation. Building the one crate again is included, building
/// all the others, before the first mutation, is not.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn run(case: Option<u16>, all: bool) -> anyhow::Result<Tally> {
    let chosen: Vec<_> =
        mutation::all()?.into_iter().filter(|mutation| case.is_none_or(|case| mutation.case == case)).collect();
    ensure!(!chosen.is_empty(), "there is no such mutation");
    // Those that are no longer written down are forgotten.
    let mut records = mutation::records()?;
    let known: Vec<_> = mutation::all()?.iter().map(Mutation::key).collect();
    records.retain(|key, _| known.contains(key));

    let copy = Copy::make()?;
    let baseline = copy.baseline(&chosen)?;
    let mut tally = Tally::default();
    for mutation in &chosen {
        let verdict = match mutation::current(mutation, &records)? {
            // What survived may have a better test by now.
            Some(Verdict::Caught) if !all => Verdict::Caught,
            _ => {
                let (verdict, why) = copy.judge(mutation, &baseline)?;
                println!("T{} {}: {verdict:?}{why}", mutation.case, mutation.test);
                let record = Record {
                    case: mutation.case,
                    test: mutation.test.clone(),
                    file: mutation.file.clone(),
                    file_sha256: mutation.file_hash()?,
                    verdict,
                };
                records.insert(mutation.key(), record);
                mutation::write(&records)?;
                verdict
            }
        };
        tally += match verdict {
            Verdict::Caught => Tally::passed(1),
            Verdict::Survived | Verdict::Invalid => Tally::failed(1),
        };
    }
    mutation::write(&records)?;
    Ok(tally)
}

/// The workspace again, in `target/mutate`, with a build folder of its own that stays from one mutation to the next.
struct Copy {
    tree: PathBuf,
    build: PathBuf,
    /// For the tests that speak with the reference; without it they do not pass.
    python: Option<PathBuf>,
}

impl Copy {
    fn make() -> anyhow::Result<Self> {
        let home = root().join("target/mutate");
        let python = reference::interpreter().ok();
        let copy = Self { tree: home.join("tree"), build: home.join("build"), python };
        let wanted = files()?;
        for file in &wanted {
            put(&copy.tree.join(file), &fs::read(root().join(file))?)?;
        }
        remove_others(&copy.tree, &copy.tree, &wanted)?;
        Ok(copy)
    }

    /// How the tests end as things are, by name: one that does not pass cannot show anything.
    fn baseline(&self, mutations: &[Mutation]) -> anyhow::Result<BTreeMap<String, Outcome>> {
        let mut baseline = BTreeMap::new();
        let targets: BTreeSet<_> = mutations.iter().map(Mutation::target).collect();
        for target in targets {
            println!("building {} and running the tests as they are", target.join(" "));
            succeed(self.cargo(&["test", "--quiet"]).args(&target).arg("--no-run"))?;
            let names = mutations.iter().filter(|mutation| mutation.target() == target);
            let names: BTreeSet<_> = names.map(|mutation| mutation.test.as_str()).collect();
            for name in &names {
                baseline.insert((*name).to_owned(), None);
            }
            let names: Vec<_> = names.into_iter().collect();
            let text = self.output(&target, &names)?;
            for (name, outcome) in &mut baseline {
                if names.contains(&name.as_str()) {
                    *outcome = worst(&text, name);
                }
            }
        }
        Ok(baseline.into_iter().filter_map(|(name, outcome)| Some((name, outcome?))).collect())
    }

    /// The verdict, and what to add to it when it is shown.
    fn judge(
        &self,
        mutation: &Mutation,
        baseline: &BTreeMap<String, Outcome>,
    ) -> anyhow::Result<(Verdict, &'static str)> {
        let path = self.tree.join(&mutation.file);
        let original = fs::read_to_string(&path)?;
        if original.matches(&mutation.find).count() != 1 {
            return Ok((Verdict::Invalid, ": its text does not occur exactly once"));
        }
        if baseline.get(&mutation.test) != Some(&Outcome::Passed) {
            return Ok((Verdict::Invalid, ": the test does not pass without it"));
        }
        put(&path, original.replacen(&mutation.find, &mutation.replace, 1).as_bytes())?;
        let text = self.output(&mutation.target(), &[&mutation.test]);
        put(&path, original.as_bytes())?;
        Ok(match worst(&text?, &mutation.test) {
            Some(Outcome::Failed) => (Verdict::Caught, ""),
            Some(Outcome::Passed) => (Verdict::Survived, ": the test passes although its check is off"),
            Some(Outcome::Ignored) => (Verdict::Invalid, ": the test is ignored"),
            None => (Verdict::Invalid, ": it does not compile or does not end"),
        })
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUST_BACKTRACE", "0");
        if let Some(python) = &self.python {
            command.env(reference::INTERPRETER, python);
        }
        command
    }

    /// What the test runner prints; nothing if it does not end.
    fn output(&self, target: &[&str], tests: &[&str]) -> anyhow::Result<String> {
        let log = self.tree.with_file_name("output.txt");
        let mut command = self.cargo(&["test"]);
        command.args(target).args(["--", "--include-ignored"]);
        let mut child = command.args(tests).stdout(fs::File::create(&log)?).stderr(Stdio::null()).spawn()?;
        let begin = Instant::now();
        while child.try_wait()?.is_none() {
            if begin.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return Ok(String::new());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(String::from_utf8_lossy(&fs::read(&log)?).into_owned())
    }
}

/// How the test with this name ended; `None` if it did not run. Of several, as a macro makes them, the worst.
fn worst(text: &str, test: &str) -> Option<Outcome> {
    let mut ended = outcomes(text);
    ended.retain(|(path, _)| function(path) == test);
    [Outcome::Failed, Outcome::Ignored, Outcome::Passed]
        .into_iter()
        .find(|wanted| ended.iter().any(|(_, outcome)| outcome == wanted))
}

/// Writes only what differs, so that what is unchanged is not built again.
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, bytes)?)
}

/// Removes files that the workspace no longer has.
fn remove_others(folder: &Path, tree: &Path, wanted: &[PathBuf]) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, tree, wanted)?;
        } else if !wanted.iter().any(|file| tree.join(file) == path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
