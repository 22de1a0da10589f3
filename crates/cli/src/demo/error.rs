//! Why a demo ends early, and what to do next.

use std::io;
use std::path::PathBuf;

use carevow_core::attachment::AttachmentError;
use carevow_core::content::{ContentRejected, DraftError};
use carevow_core::envelope::EnvelopeKeyError;
use carevow_core::errors::EncryptError;
use carevow_core::identity::{ManifestError, RevocationError, TrustRootsError};
use carevow_core::prekey::BundleError;
use carevow_core::random::RandomError;

use super::device::Refused;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The file of `--attach` cannot be read.
    #[error("the file {} cannot be read: {source}", path.display())]
    File {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of `--attach` is no file.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// As given.
        path: PathBuf,
    },
    /// The folder for received files cannot be used.
    #[error("the received file cannot be written below {}: {source}", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An expectation of the demo did not hold.
    #[error("a check failed: {0}")]
    Check(String),
    /// The text could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// The random source of the system failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The sealed file was refused, or it could not be sealed.
    #[error("the attachment: {0}")]
    Attachment(#[from] AttachmentError),
    /// A genuine step of the protocol failed.
    #[error("{step}: {reason}")]
    Protocol {
        /// Which.
        step: &'static str,
        /// What the library says.
        reason: String,
    },
}

impl DemoError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "Give --attach the path of a file that you may read, or leave --attach away: the demo then makes a \
                 small note itself."
            }
            Self::NotAFile { .. } => {
                "A folder or a device cannot be attached. Give --attach the path of one file (a folder: as a ZIP file)."
            }
            Self::Folder { .. } => {
                "Free some space there, or let the variable TMPDIR name a folder that you may write to, and run the \
                 demo again."
            }
            Self::Attachment(AttachmentError::TooLarge) => "A file may have 4 GiB. Give --attach a smaller one.",
            Self::Attachment(AttachmentError::SizeChanged) => {
                "The file changed while it was read. Give --attach a copy of it."
            }
            Self::Output(_) => "Let the demo write to a terminal, or to a file on a disk that has space.",
            Self::Random(_) => {
                "The system has no randomness to give, and without it no key is made. Restart the computer, or look \
                 at the demo with --seed 1."
            }
            Self::Check(_) | Self::Protocol { .. } | Self::Attachment(_) => {
                "This must not happen: do not trust this build with messages. Run the demo again with --bytes, and \
                 report what it prints (docs/protocol.md says what each step must do)."
            }
        }
    }
}

macro_rules! protocol_steps {
    ($($error:ty => $step:literal),* $(,)?) => {
        $(impl From<$error> for DemoError {
            fn from(error: $error) -> Self {
                Self::Protocol { step: $step, reason: error.to_string() }
            }
        })*
    };
}

protocol_steps! {
    TrustRootsError => "configuring the trust root",
    RevocationError => "verifying the revocation list",
    ManifestError => "signing a device list",
    BundleError => "verifying a key bundle",
    EncryptError => "encrypting",
    EnvelopeKeyError => "sealing",
    DraftError => "writing a message",
    ContentRejected => "reading a message",
    Refused => "receiving a genuine message",
}
