//! The memory of another process, as a core dump would have it: everything that it has mapped and may write.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// How often `secret` occurs in the writable memory of a process, and how many bytes were searched.
pub fn occurrences(process: u32, secret: &[u8]) -> (usize, usize) {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let (mut found, mut searched) = (0, 0);
    for (begin, end) in maps.lines().filter_map(writable) {
        let mut bytes = vec![0; (end - begin) as usize];
        // What the kernel keeps for itself cannot be read, and holds nothing of ours.
        if memory.read_exact_at(&mut bytes, begin).is_ok() {
            found += bytes.windows(secret.len()).filter(|window| *window == secret).count();
            searched += bytes.len();
        }
    }
    (found, searched)
}

/// The bounds of a mapping that may be written.
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    let (begin, end) = words.next()?.split_once('-')?;
    words.next()?.contains('w').then_some(())?;
    Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}
