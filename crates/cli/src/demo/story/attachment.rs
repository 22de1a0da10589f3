//! A file: `docs/protocol.md` B10.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use carevow_core::attachment::{self, Attachment, AttachmentError, FileSize, Labels, Purpose};
use carevow_core::content::{Body, Content};
use sha2::{Digest as _, Sha256};

use super::prefix;
use crate::demo::error::DemoError;
use crate::demo::folder;
use crate::demo::mailbox::Upload;
use crate::demo::narrator::grouped;
use crate::demo::world::{Who, World};

/// What is attached.
pub enum Attached {
    /// The file of `--attach`.
    File(PathBuf),
    /// A note that the demo makes.
    Note,
}

impl Attached {
    /// Looks whether the file is there before the story begins.
    pub fn new(path: Option<&Path>) -> Result<Self, DemoError> {
        let Some(path) = path.map(Path::to_owned) else {
            return Ok(Self::Note);
        };
        match fs::metadata(&path) {
            Err(source) => Err(DemoError::File { path, source }),
            Ok(metadata) if !metadata.is_file() => Err(DemoError::NotAFile { path }),
            Ok(metadata) => {
                FileSize::new(metadata.len())?;
                let attached = Self::File(path);
                attached.open().map(|_| attached)
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Note => "how-to-measure.txt".to_owned(),
        }
    }

    /// The bytes from the beginning, and how many there are.
    fn open(&self) -> Result<(Box<dyn Read>, FileSize), DemoError> {
        match self {
            Self::File(path) => {
                let unreadable = |source| DemoError::File { path: path.clone(), source };
                let file = File::open(path).map_err(unreadable)?;
                let size = file.metadata().map_err(unreadable)?.len();
                Ok((Box::new(file), FileSize::new(size)?))
            }
            Self::Note => Ok((Box::new(Cursor::new(NOTE)), FileSize::new(NOTE.len() as u64)?)),
        }
    }
}

pub(super) fn tell(world: &mut World, attached: &Attached) -> Result<(), DemoError> {
    world.narrator.chapter("6. The clinician sends a file")?;
    let (mut file, size) = attached.open()?;
    let mut upload = Upload::default();
    let (_, rng, watch) = world.parts(Who::Clinician);
    let sealed =
        watch.time("seal the file", || attachment::seal(Purpose::Message, size, &mut file, &mut upload, rng))?;
    let blob = world.blobs.put(upload);
    world.check(blob == *sealed.blob_id(), "the service names the sealed file by its bytes")?;
    world.narrator.say(&format!(
        "The clinician's phone sealed the file \"{}\" ({} bytes) piece by piece and uploaded it: {} bytes that say \
         nothing, not even the exact size of the file. The key travels in an ordinary message.",
        shown(&attached.name()),
        grouped(size.bytes()),
        grouped(size.blob()),
    ))?;
    world.narrator.bytes(&format!("blob {}…, chunks of at most 64 KiB: {}", prefix(&blob), grouped(size.chunks())))?;
    let labels = Labels { filename: attached.name(), ..Labels::default() };
    world.send(Who::Clinician, Body::Attachment(Attachment::new(sealed, labels)))?;
    let (_, received) = world.open_next(Who::Patient)?;
    world.open_all(Who::Connector)?;
    let Some(Body::Attachment(descriptor)) = received.content.as_ref().map(Content::body) else {
        return Err(DemoError::Check("the message says where the file is".to_owned()));
    };
    forged(world, descriptor)?;
    arrive(world, descriptor, attached)
}

/// The service changes or cuts off the sealed file: nothing of it is shown.
fn forged(world: &mut World, descriptor: &Attachment) -> Result<(), DemoError> {
    let blob = blob(world, descriptor)?.to_vec();
    let mut changed = blob.clone();
    if let Some(byte) = changed.last_mut() {
        *byte ^= 1;
    }
    let last = u32::try_from(descriptor.file().size().chunks().saturating_sub(1)).unwrap_or(u32::MAX);
    let error = descriptor.open(&mut changed.as_slice(), io::sink()).err();
    world.check(error == Some(AttachmentError::Chunk { index: last }), "a changed file is refused")?;
    let error_text = AttachmentError::Chunk { index: last }.to_string();
    world.narrator.refused("The service changes the last byte of the sealed file.", &error_text)?;
    let cut = blob.split_last().map_or(&[][..], |(_, rest)| rest);
    let error = descriptor.open(&mut &*cut, io::sink()).err();
    world.check(error == Some(AttachmentError::Truncated), "a file that is cut off is refused")?;
    Ok(world
        .narrator
        .refused("The service cuts one byte off the sealed file.", &AttachmentError::Truncated.to_string())?)
}

/// Opened into a file of its own name that nobody has looked at, and given its name when it proved right.
fn arrive(world: &mut World, descriptor: &Attachment, attached: &Attached) -> Result<(), DemoError> {
    let receiving = folder::Received::begin(&folder::create()?)?;
    let mut blob = blob(world, descriptor)?;
    let start = std::time::Instant::now();
    let outcome = descriptor.open(&mut blob, receiving);
    let took = start.elapsed();
    world.watch.add("open the file", took);
    let path = outcome?.into_inner().keep(&descriptor.labels().filename)?;
    let (mut sent, _) = attached.open()?;
    let unreadable = |source| DemoError::Folder { path: path.clone(), source };
    let sent = digest(&mut sent).map_err(unreadable)?;
    let arrived = File::open(&path).and_then(|mut file| digest(&mut file)).map_err(unreadable)?;
    world.check(sent == arrived, "the received file has the SHA-256 of the file that was sent")?;
    world.check(arrived == *descriptor.file().sha256(), "and the one that the message names")?;
    world
        .narrator
        .good("The patient's phone fetched the sealed file and opened it: it is the same file, bit by bit.")?;
    world.narrator.line(&format!("      SHA-256 {}", hexadecimal(&arrived)))?;
    Ok(world
        .narrator
        .line(&format!("      saved as {} (readable: delete it when you have looked at it)", path.display()))?)
}

fn blob<'w>(world: &'w World, descriptor: &Attachment) -> Result<&'w [u8], DemoError> {
    let missing = || DemoError::Check("the service still has the sealed file".to_owned());
    world.blobs.get(descriptor.file().blob_id()).ok_or_else(missing)
}

fn digest(file: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(hasher.finalize().into()),
            Some(part) => hasher.update(part),
        }
    }
}

fn hexadecimal(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as it may be printed: without what moves a cursor.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

const NOTE: &[u8] = b"How to measure your blood pressure at home\n\n\
1. Sit down and rest for five minutes.\n\
2. Put the cuff on your bare upper arm, at the height of your heart.\n\
3. Do not talk while the device measures.\n\
4. Measure twice, one minute apart, and write both values down.\n";
