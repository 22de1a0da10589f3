//! A file of source holds one concept and has fewer than 400 lines; generated code is apart.

use std::fs;
use std::path::Path;

use anyhow::ensure;

use crate::workspace::{Tally, files_with, root};

const LINES: usize = 400;

pub fn run() -> anyhow::Result<Tally> {
    let mut checked = 0;
    let mut long = Vec::new();
    for extension in ["rs", "py", "swift", "kt", "proto"] {
        for file in files_with(extension)? {
            let lines = fs::read_to_string(root().join(&file))?.lines().count();
            checked += 1;
            if too_long(&file, lines) {
                long.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    ensure!(long.is_empty(), "files of {LINES} lines and more:\n{}", long.join("\n"));
    println!("{checked} files have fewer than {LINES} lines");
    Ok(Tally::passed(1))
}

fn too_long(file: &Path, lines: usize) -> bool {
    lines >= LINES && !file.components().any(|part| part.as_os_str() == "generated")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_generated_file_may_be_long() {
        assert!(too_long(Path::new("crates/core/src/a.rs"), 400));
        assert!(!too_long(Path::new("crates/core/src/a.rs"), 399));
        assert!(!too_long(Path::new("crates/core/src/wire/generated/v1.rs"), 9_000));
    }
}
