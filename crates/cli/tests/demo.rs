//! The demo as somebody runs it: the binary, its words and its exit code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it is")]
#![allow(clippy::cast_possible_truncation, reason = "a byte is wanted")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `carevow` in a folder for temporary files of its own.
struct Run {
    folder: PathBuf,
}

impl Run {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn carevow(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carevow"));
        command.args(arguments).env("TMPDIR", &self.folder).env("TMP", &self.folder).output().unwrap()
    }

    /// Files that a demo left in its folder, the folder's own files apart.
    fn received(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let folders = folders.filter(|path| path.is_dir());
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The words without the line breaks.
fn words(bytes: &[u8]) -> String {
    text(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn demo_tells_the_story_and_exits_with_0() {
    let run = Run::new("story");
    let output = run.carevow(&["demo", "--seed", "1"]);
    let told = words(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    for sentence in [
        "The clinician's phone and the patient's phone agreed on a key.",
        "Both phones show the same safety number.",
        "Of four messages the second got lost and the last two changed places.",
        "The service changes one bit in the text of a message. Refused: the message cannot be opened.",
        "The service delivers the same message a second time. Refused: the message was opened before.",
        "The service replays the sealed envelope of the first message. Refused: the message was opened before.",
        "the conversation has healed, against a quantum computer too",
        "The service changes the last byte of the sealed file. Refused: chunk 0 is not authentic.",
        "it is the same file, bit by bit.",
        "What the mailbox operator could see",
        "checks passed, 0 failed.",
    ] {
        assert!(told.contains(sentence), "{sentence}\nis missing in\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "no colours without a terminal");
    assert!(!told.contains("generation"), "what is for reviewers is not shown to everybody");
}

#[test]
fn seeded_keys_repeat_and_bytes_are_for_reviewers() {
    let run = Run::new("bytes");
    let outputs = [1, 2].map(|_| run.carevow(&["demo", "--seed", "7", "--bytes"]));
    let [one, two] = outputs.map(|output| {
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    });
    let safety = |told: &str| {
        told.lines()
            .find(|line| line.split_whitespace().count() == 6 && line.trim().starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
    };
    assert!(safety(&one).is_some());
    assert_eq!(safety(&one), safety(&two));
    for number in
        ["generation 1", "header of the first message 1 802 bytes", "sealed envelope 6 259 bytes", "1 662 bytes"]
    {
        let shown = one.replace('\u{a0}', " ");
        assert!(shown.contains(number), "{number}\nis missing in\n{one}");
    }
}

#[test]
fn demo_sends_the_attached_file_bit_by_bit() {
    let run = Run::new("attach");
    let file = run.folder.join("scan 1.bin");
    let content: Vec<u8> = (0..3_000_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(&file, &content).unwrap();
    let output = run.carevow(&["demo", "--seed", "1", "--attach", file.to_str().unwrap()]);
    let told = words(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(told.contains("\"scan 1.bin\" (3 000 000 bytes)"), "{told}");
    let received = run.received();
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(received[0].file_name().unwrap(), "scan_1.bin");
    assert!(fs::read(&received[0]).unwrap() == content);
    let mut told_paths = told.split_whitespace();
    assert!(told_paths.any(|word| word == received[0].to_str().unwrap()), "{told}");
}

#[test]
fn empty_file_can_be_sent() {
    let run = Run::new("empty");
    let file = run.folder.join("empty");
    fs::write(&file, b"").unwrap();
    let output = run.carevow(&["demo", "--seed", "1", "--attach", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fs::read(&run.received()[0]).unwrap(), b"");
}

#[test]
fn unknown_file_is_named_with_what_to_do_next() {
    let run = Run::new("unknown");
    let output = run.carevow(&["demo", "--attach", "/nowhere/letter.pdf"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr);
    assert!(told.starts_with("error: the file /nowhere/letter.pdf cannot be read: "), "{told}");
    assert!(told.contains("Give --attach the path of a file that you may read"), "{told}");
}

#[test]
fn folder_cannot_be_attached() {
    let run = Run::new("folder");
    let output = run.carevow(&["demo", "--attach", run.folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is not a file"), "{}", text(&output.stderr));
}

#[test]
fn folder_for_received_files_that_is_missing_is_named() {
    let run = Run::new("no-tmp");
    let mut command = Command::new(env!("CARGO_BIN_EXE_carevow"));
    let output = command.args(["demo", "--seed", "1"]).env("TMPDIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("/nowhere") && told.contains("TMPDIR"), "{told}");
    assert!(run.received().is_empty());
}

#[test]
fn help_explains_itself() {
    let run = Run::new("help");
    let help = text(&run.carevow(&["--help"]).stdout);
    for part in ["Start here", "carevow demo", "docs/protocol.md"] {
        assert!(help.contains(part), "{part}\nis missing in\n{help}");
    }
    let help = text(&run.carevow(&["demo", "--help"]).stdout);
    for part in ["--attach", "--bytes", "--seed", "NO_COLOR", "exit code"] {
        assert!(help.contains(part), "{part}\nis missing in\n{help}");
    }
    assert_eq!(run.carevow(&[]).status.code(), Some(2));
    assert_eq!(run.carevow(&["demo", "--seed", "x"]).status.code(), Some(2));
}
