//! Writes the seeds of every target into `fuzz/seeds/`.

use carevow_fuzz::TARGETS;
use carevow_fuzz::replay::folder;
use std::fs;

fn main() -> std::io::Result<()> {
    for target in TARGETS {
        fs::create_dir_all(folder(target))?;
        for seed in (target.seeds)() {
            fs::write(folder(target).join(seed.name), seed.bytes)?;
        }
    }
    Ok(())
}
