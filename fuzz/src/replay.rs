//! Running a target over files.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{fs, io};

use crate::Target;

/// Runs `target` over each file and says how far it came.
pub fn files(target: &Target, files: impl Iterator<Item = OsString>) -> io::Result<()> {
    for file in files {
        let depth = (target.run)(&fs::read(&file)?);
        println!("{}: depth {depth} of {}", PathBuf::from(file).display(), target.deepest);
    }
    Ok(())
}

/// Where the seeds of `target` are.
pub fn folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGETS;

    #[test]
    fn no_seed_panics_and_each_target_reaches_its_deepest_path() {
        for target in TARGETS {
            let mut deepest = 0;
            for file in fs::read_dir(folder(target)).unwrap() {
                deepest = deepest.max((target.run)(&fs::read(file.unwrap().path()).unwrap()));
            }
            assert_eq!(deepest, target.deepest, "{}", target.name);
        }
    }

    #[test]
    fn committed_seeds_are_those_that_the_program_writes_and_come_as_far_as_they_should() {
        let mut wrong = Vec::new();
        for target in TARGETS {
            for seed in (target.seeds)() {
                let committed = fs::read(folder(target).join(seed.name)).unwrap_or_default();
                assert!(committed == seed.bytes, "{}/{}: run `cargo run --bin seeds`", target.name, seed.name);
                let depth = (target.run)(&committed);
                if depth != seed.depth {
                    wrong.push(format!("{}/{}: {depth} instead of {}", target.name, seed.name, seed.depth));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn empty_input_panics_nowhere() {
        for target in TARGETS {
            assert!((target.run)(&[]) <= target.deepest, "{}", target.name);
        }
    }

    #[test]
    fn each_target_has_a_binary_of_its_name() {
        let manifest = include_str!("../Cargo.toml");
        for target in TARGETS {
            assert!(manifest.contains(&format!("name = \"{}\"\npath = \"fuzz_targets/{0}.rs\"", target.name)));
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
