//! The folder for received files.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::DemoError;
use super::world::clock;

/// A new folder below the system's one for temporary files, for this user alone.
pub fn create() -> Result<PathBuf, DemoError> {
    let name = format!("carevow-demo-{}-{}", std::process::id(), clock().as_millis());
    let path = std::env::temp_dir().join(name);
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&path).map_err(|source| DemoError::Folder { path: path.clone(), source })?;
    Ok(path)
}

/// A file that arrives: under a name of ours until it proved right, and deleted if it does not. (A client keeps it
/// encrypted until then; here sender and recipient are the same user.)
pub struct Received {
    folder: PathBuf,
    quarantine: PathBuf,
    file: File,
}

impl Received {
    /// An empty file in `folder`.
    pub fn begin(folder: &Path) -> Result<Self, DemoError> {
        let quarantine = folder.join(".unverified");
        let file = OpenOptions::new().write(true).create_new(true).open(&quarantine);
        let file = file.map_err(|source| DemoError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned(), quarantine, file })
    }

    /// Gives a file that was verified a name made from the one that its sender suggests; its path.
    pub fn keep(self, suggested: &str) -> Result<PathBuf, DemoError> {
        let path = self.folder.join(safe_name(suggested));
        fs::rename(&self.quarantine, &path).map_err(|source| DemoError::Folder { path: path.clone(), source })?;
        Ok(path)
    }
}

impl Write for Received {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // After `keep` there is nothing left to delete.
        let _ = fs::remove_file(&self.quarantine);
    }
}

/// The sender's text as a name that stays in its folder: letters, digits, `-`, `_` and single points inside.
fn safe_name(suggested: &str) -> String {
    let kept = suggested.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' });
    let kept: String =
        kept.collect::<String>().split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let end: String = kept.chars().rev().take(NAME).collect::<Vec<_>>().into_iter().rev().collect();
    match end.trim_start_matches('.') {
        "" => "attachment".to_owned(),
        name => name.to_owned(),
    }
}

/// Characters of a name, its end first: the extension says what opens it. In UTF-8 they fit the 255 bytes of a name.
const NAME: usize = 60;

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn a_name_of_the_sender_cannot_leave_its_folder() {
        let cases = [
            ("note.txt", "note.txt"),
            ("../../etc/passwd", "_._etc_passwd"),
            ("/etc/passwd", "_etc_passwd"),
            ("..", "attachment"),
            ("", "attachment"),
            (".bashrc", "bashrc"),
            ("C:\\x.txt", "C__x.txt"),
            ("Röntgen 1.png", "Röntgen_1.png"),
            ("a\u{1b}[2Jb", "a__2Jb"),
        ];
        cases.iter().for_each(|(from, to)| assert_eq!(safe_name(from), *to, "{from}"));
        assert!(safe_name(&"x".repeat(1_000)).len() == 60);
    }
}
