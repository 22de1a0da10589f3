//! `cargo xtask bench`: criterion over `benches/`, and the tables of `docs/performance.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::operations::{OPERATIONS, Operation};
use crate::workspace::{Tally, cargo, output, root, succeed};

const BEGIN: &str = "<!-- written by `cargo xtask bench` -->";
const END: &str = "<!-- end of what `cargo xtask bench` writes -->";

/// What criterion leaves behind for each benchmark.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// Nanoseconds.
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

#[derive(Deserialize)]
struct Name {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

pub fn run(quick: bool) -> anyhow::Result<Tally> {
    let results = root().join("target/criterion");
    // Results of benchmarks that are gone, or of a quick run, must not end up in the tables.
    if results.is_dir() {
        fs::remove_dir_all(&results)?;
    }
    let mut bench = cargo(&["bench", "--package", "carevow-benches", "--benches", "--"]);
    if quick {
        bench.arg("--quick");
    }
    succeed(bench.env("CARGO_TARGET_DIR", root().join("target")))?;
    let groups = collect(&results)?;
    let count = groups.values().map(BTreeMap::len).sum();
    ensure!(count > 0, "no benchmark ran");
    let tables = tables(&groups, quick)?;
    println!("{tables}");
    if !quick {
        let path = root().join("docs/performance.md");
        let before = fs::read_to_string(&path).unwrap_or_else(|_| format!("# Performance\n\n{BEGIN}\n{END}\n"));
        fs::write(&path, placed(&before, &tables)?)?;
        println!("written to docs/performance.md");
    }
    Ok(Tally::passed(count))
}

type Groups = BTreeMap<String, BTreeMap<String, Estimates>>;

fn collect(folder: &Path) -> anyhow::Result<Groups> {
    let mut groups = Groups::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let new = folder.join("new");
        if let Ok(text) = fs::read_to_string(new.join("benchmark.json")) {
            let name: Name = serde_json::from_str(&text)?;
            let estimates = serde_json::from_str(&fs::read_to_string(new.join("estimates.json"))?)?;
            let function = [name.function_id, name.value_str].into_iter().flatten().collect::<Vec<_>>().join(", ");
            groups.entry(name.group_id).or_default().insert(function, estimates);
            continue;
        }
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(groups)
}

/// The groups of `benches/`.
const FLOOR: &str = "floor";
const OPERATION: &str = "operation";
const PEER: &str = "vodozemac Olm";

fn tables(groups: &Groups, quick: bool) -> anyhow::Result<String> {
    let mut text = String::new();
    let rustc = output(std::process::Command::new("rustc").arg("--version"))?;
    let date = output(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    writeln!(text, "{}. {}, release profile. {}.", machine(), rustc.trim(), date.trim())?;
    match quick {
        true => writeln!(text, "Quick run: few samples, for orientation only.")?,
        false => writeln!(text, "{SETTINGS}")?,
    }
    writeln!(text, "\n### Operations\n")?;
    writeln!(text, "| operation | time | floor | ratio to floor | {PEER} | ratio to peer |")?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
    for operation in OPERATIONS {
        writeln!(text, "{}", row(groups, operation)?)?;
    }
    writeln!(text, "\n### Primitives\n\n| primitive | median | 95 % interval |\n| --- | ---: | ---: |")?;
    for (name, Estimates { median }) in groups.get(FLOOR).context("no primitive was measured")? {
        let Interval { lower_bound, upper_bound } = median.confidence_interval;
        let (low, high) = (time(lower_bound), time(upper_bound));
        writeln!(text, "| {name} | {} | {low} to {high} |", time(median.point_estimate))?;
    }
    Ok(text)
}

const SETTINGS: &str = "Processor time of the measuring thread, medians of criterion: 40 samples in 1.5 s after 0.3 s of \
warming up (10 samples for header trial, 20 for attachments), from one run. \
Ratios are time divided by floor and time divided by the peer's time: below 1 is faster.";

/// One operation beside its floor and its peer.
fn row(groups: &Groups, operation: &Operation) -> anyhow::Result<String> {
    let find = |group: &str, name: &str| Some(groups.get(group)?.get(name)?.median.point_estimate);
    let name = operation.name;
    let measured = find(OPERATION, name).with_context(|| format!("{name} was not measured"))?;
    let mut floor = 0.0;
    for (primitive, count) in operation.floor.iter().copied().flatten() {
        let one = find(FLOOR, primitive).with_context(|| format!("{primitive} was not measured"))?;
        floor += one * count;
    }
    let rate = operation.bytes.map_or(String::new(), |bytes| format!(" ({:.0} MB/s)", bytes as f64 * 1e3 / measured));
    let beside = |other: Option<f64>| {
        other.map_or(("–".to_owned(), "–".to_owned()), |other| (time(other), format!("{:.2}", measured / other)))
    };
    let (floor, to_floor) = beside((floor > 0.0).then_some(floor));
    let (peer, to_peer) = beside(find(PEER, name));
    Ok(format!("| {name} | {}{rate} | {floor} | {to_floor} | {peer} | {to_peer} |", time(measured)))
}

/// Cores and architecture, and which instructions for cryptography the processor has.
fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags: Vec<_> = cpuinfo
        .lines()
        .find_map(|line| {
            line.strip_prefix("flags")?.split_once(':').map(|(_, flags)| flags.split_whitespace().collect())
        })
        .unwrap_or_default();
    let shared = if flags.contains(&"hypervisor") { "shared virtual " } else { "" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let known = [("aes", "AES-NI"), ("pclmulqdq", "PCLMULQDQ"), ("sha_ni", "SHA-NI")];
    let has: Vec<_> = known.iter().filter(|(flag, _)| flags.contains(flag)).map(|(_, name)| *name).collect();
    let arch = std::env::consts::ARCH.replace('_', "-");
    match has.split_last() {
        Some((last, [])) => format!("{cores} {shared}cores, {arch} with {last}"),
        Some((last, first)) => format!("{cores} {shared}cores, {arch} with {} and {last}", first.join(", ")),
        None => format!("{cores} {shared}cores, {arch}"),
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

/// `before` with what lies between the two marks replaced.
fn placed(before: &str, tables: &str) -> anyhow::Result<String> {
    let (head, rest) = before.split_once(BEGIN).context("docs/performance.md has lost its first mark")?;
    let (_, tail) = rest.split_once(END).context("docs/performance.md has lost its second mark")?;
    Ok(format!("{head}{BEGIN}\n{tables}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_figures_or_so_and_a_unit() {
        let shown = [12.4, 1_240.0, 1_240_000.0, 1_240_000_000.0].map(time);
        assert_eq!(shown, ["12 ns", "1.2 µs", "1.24 ms", "1.24 s"]);
    }

    #[test]
    fn only_what_lies_between_the_marks_changes() {
        let before = format!("words\n{BEGIN}\nold\n{END}\nmore\n");
        assert_eq!(placed(&before, "new\n").unwrap(), format!("words\n{BEGIN}\nnew\n{END}\nmore\n"));
        assert!(placed("no marks", "new").is_err());
    }
}
