//! Files that customers sent: one folder per conversation beside the data files, one file per sending.
//!
//! A file gets a random name; what the customer called it stands in the message that refers to it. It is whole or not
//! there: written aside, synced, then renamed. How much one conversation may have, how much all together, and how much
//! room stays free on the disk are bounded here. A conversation that is forgotten takes its folder with it
//! ([`Shelf::forget`]), and so does whatever no message can refer to (see [`Shelf::forget_older`]).
//!
//! Everything here blocks. It never looks at a conversation, and never decides who may read a file.

mod id;
mod kind;
mod unsent;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

pub use self::id::FileId;
use self::id::hex;
pub use self::kind::{HEAD_BYTES, Kind, Plain};
pub use self::unsent::{KEPT_FOR, Unsent};
use crate::ids::ConversationId;

/// The folder below the data directory.
const FOLDER: &str = "media";
/// Files that one conversation may have: more than anybody needs to explain a thing.
pub const FILES_MAX: usize = 50;
/// Bytes that the files of one conversation may have.
pub const BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Bytes that all files may have: strangers may send some, so they must not fill the disk of everybody.
pub const ALL_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;
/// The ending of what is not whole yet.
const ASIDE: &str = "part";

/// Why a file cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The conversation has as many or as much as it may.
    #[error("this conversation has {FILES_MAX} files or {} MB already", BYTES_MAX / 1024 / 1024)]
    Enough,
    /// All conversations together do.
    #[error("there is no room for more files")]
    Full,
    /// The disk failed.
    #[error("the file could not be written: {0}")]
    Io(#[from] io::Error),
}

/// All files. Clones share it.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: Arc<Path>,
    bytes: Arc<AtomicU64>,
    unsent: Arc<Unsent>,
}

/// A file being written; gone when dropped.
#[derive(Debug)]
pub struct Draft {
    shelf: Shelf,
    conversation: ConversationId,
    random: [u8; 16],
    aside: PathBuf,
    file: Option<File>,
    written: u64,
    reserved: u64,
}

impl Shelf {
    /// The shelf below the data directory `dir`. Makes nothing before there is a file; what was left half written is
    /// removed.
    ///
    /// # Errors
    /// As the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let shelf = Self {
            dir: dir.join(FOLDER).into(),
            bytes: Arc::default(),
            unsent: Arc::default(),
        };
        let mut bytes = 0;
        for conversation in shelf.conversations()? {
            for (path, size, _) in files(&shelf.folder(conversation))? {
                if path.extension().is_some_and(|ending| ending == ASIDE) {
                    fs::remove_file(&path)?;
                } else {
                    bytes += size;
                }
            }
        }
        shelf.bytes.store(bytes, Ordering::Relaxed);
        Ok(shelf)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Begins a file of at most `max` bytes.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub fn begin(&self, conversation: ConversationId, max: u64) -> Result<Draft, ShelfError> {
        let folder = self.folder(conversation);
        let there = files(&folder)?;
        let size: u64 = there.iter().map(|(_, size, _)| size).sum();
        if there.len() >= FILES_MAX || size + max > BYTES_MAX {
            return Err(ShelfError::Enough);
        }
        if self.bytes.fetch_add(max, Ordering::Relaxed) + max > ALL_BYTES_MAX {
            self.bytes.fetch_sub(max, Ordering::Relaxed);
            return Err(ShelfError::Full);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the system has randomness, or nothing here is safe");
        let mut draft = Draft {
            shelf: self.clone(),
            conversation,
            aside: folder.join(format!("{}.{ASIDE}", hex(&random))),
            random,
            file: None,
            written: 0,
            reserved: max,
        };
        make_private(&self.dir)?;
        make_private(&folder)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&draft.aside)?;
        draft.file = Some(file);
        Ok(draft)
    }

    /// Opens a file, and tells how long it is; none: there is no such file.
    ///
    /// # Errors
    /// As the file system says.
    pub fn find(&self, id: &FileId) -> io::Result<Option<(File, u64)>> {
        match File::open(self.path(id)) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Some((file, length)))
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// As the file system says.
    pub fn remove(&self, id: &FileId) -> io::Result<()> {
        self.drop_file(&self.path(id))
    }

    /// Removes all files of a conversation.
    ///
    /// # Errors
    /// As the file system says.
    pub fn forget(&self, conversation: ConversationId) -> io::Result<()> {
        self.forget_older(conversation, None)
    }

    /// Removes the files of a conversation that were written before `limit`; none: all of them.
    ///
    /// # Errors
    /// As the file system says.
    pub fn forget_older(
        &self,
        conversation: ConversationId,
        limit: Option<SystemTime>,
    ) -> io::Result<()> {
        let folder = self.folder(conversation);
        for (path, _, written) in files(&folder)? {
            if limit.is_none_or(|limit| written < limit) {
                self.drop_file(&path)?;
            }
        }
        match fs::remove_dir(&folder) {
            Ok(()) => Ok(()),
            // Something is left in it, or there was none.
            Err(fault)
                if matches!(
                    fault.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// When the newest file of a conversation was written; none: it has none.
    ///
    /// # Errors
    /// As the file system says.
    pub fn newest(&self, conversation: ConversationId) -> io::Result<Option<SystemTime>> {
        let files = files(&self.folder(conversation))?;
        Ok(files.into_iter().map(|(_, _, written)| written).max())
    }

    /// The conversations that have a folder here.
    ///
    /// # Errors
    /// As the file system says.
    pub fn conversations(&self) -> io::Result<Vec<ConversationId>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let mut found = Vec::new();
        for entry in entries {
            // What is not ours is left alone.
            found.extend(
                entry?
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse::<ConversationId>().ok()),
            );
        }
        Ok(found)
    }

    fn drop_file(&self, path: &Path) -> io::Result<()> {
        let size = fs::metadata(path).map_or(0, |data| data.len());
        match fs::remove_file(path) {
            Ok(()) => {
                // The sum is of what was seen; it never goes below nothing.
                let _ = self
                    .bytes
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
                        Some(sum.saturating_sub(size))
                    });
                Ok(())
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn folder(&self, conversation: ConversationId) -> PathBuf {
        self.dir.join(conversation.to_string())
    }

    fn path(&self, id: &FileId) -> PathBuf {
        let name = format!("{}.{}", hex(&id.random), id.kind.ending());
        self.folder(id.conversation).join(name)
    }
}

impl Draft {
    /// The next piece.
    ///
    /// # Errors
    /// As the file system says; or [`ShelfError::Enough`] beyond what was announced.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), ShelfError> {
        self.written += piece.len() as u64;
        if self.written > self.reserved {
            return Err(ShelfError::Enough);
        }
        let file = self.file.as_mut().expect("it is open until it is finished");
        Ok(file.write_all(piece)?)
    }

    /// How much was written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Puts it on the shelf, durably.
    ///
    /// # Errors
    /// As the file system says; then it is not there.
    pub fn finish(mut self, kind: Kind) -> Result<FileId, ShelfError> {
        let file = self.file.take().expect("it is finished once");
        file.sync_all()?;
        let id = FileId {
            conversation: self.conversation,
            random: self.random,
            kind,
        };
        fs::rename(&self.aside, self.shelf.path(&id))?;
        for folder in [&*self.shelf.folder(self.conversation), &*self.shelf.dir] {
            File::open(folder)?.sync_all()?;
        }
        let unused = self.reserved - self.written;
        self.reserved = 0;
        self.shelf.bytes.fetch_sub(unused, Ordering::Relaxed);
        Ok(id)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.reserved > 0 {
            // Unfinished. A file that cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&self.aside);
            self.shelf.bytes.fetch_sub(self.reserved, Ordering::Relaxed);
        }
    }
}

/// What lies in a folder: path, size, when it was written. Nothing where there is no folder.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, u64, SystemTime)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(fault),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Gone meanwhile: it counts no more.
        if let Ok(data) = entry.metadata()
            && data.is_file()
        {
            let written = data
                .modified()
                .unwrap_or(SystemTime::UNIX_EPOCH + Duration::ZERO);
            found.push((entry.path(), data.len(), written));
        }
    }
    Ok(found)
}

/// What customers sent is nobody else's business.
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ConversationId = ConversationId::from_bytes([1; 16]);
    const TWO: ConversationId = ConversationId::from_bytes([2; 16]);

    fn keep(shelf: &Shelf, of: ConversationId, bytes: &[u8]) -> FileId {
        let mut draft = shelf.begin(of, 1_000).expect("room");
        draft.write(bytes).expect("written");
        draft.finish(Kind::Text).expect("kept")
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::open(dir.path()).expect("opens");
        assert!(!dir.path().join(FOLDER).exists(), "nothing before a file");
        let id = keep(&shelf, ONE, b"hello");
        let (_, length) = shelf.find(&id).expect("readable").expect("there");
        assert_eq!((length, shelf.bytes()), (5, 5));
        let mut begun = shelf.begin(ONE, 1_000).expect("room");
        begun.write(b"half").expect("written");
        assert_eq!(shelf.bytes(), 1_005, "what may come is counted");
        drop(begun);
        assert_eq!(shelf.bytes(), 5);
        assert_eq!(files(&shelf.folder(ONE)).expect("readable").len(), 1);
        let again = Shelf::open(dir.path()).expect("opens");
        assert_eq!(again.bytes(), 5, "counted again at the start");
    }

    #[test]
    fn what_was_left_half_written_is_gone_after_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::open(dir.path()).expect("opens");
        let mut begun = shelf.begin(ONE, 1_000).expect("room");
        begun.write(b"half").expect("written");
        std::mem::forget(begun);
        let again = Shelf::open(dir.path()).expect("opens");
        assert!(files(&again.folder(ONE)).expect("readable").is_empty());
    }

    #[test]
    fn one_conversation_has_only_so_much() {
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::open(dir.path()).expect("opens");
        for _ in 0..FILES_MAX {
            keep(&shelf, ONE, b"x");
        }
        assert!(matches!(shelf.begin(ONE, 1), Err(ShelfError::Enough)));
        assert!(shelf.begin(TWO, 1).is_ok(), "others are not held up");
        assert!(matches!(
            shelf.begin(TWO, BYTES_MAX + 1),
            Err(ShelfError::Enough)
        ));
        let mut small = shelf.begin(TWO, 2).expect("room");
        assert!(matches!(small.write(b"abc"), Err(ShelfError::Enough)));
    }

    #[test]
    fn a_forgotten_conversation_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Shelf::open(dir.path()).expect("opens");
        let (gone, stays) = (keep(&shelf, ONE, b"one"), keep(&shelf, TWO, b"two"));
        shelf.forget(ONE).expect("forgotten");
        shelf.forget(ONE).expect("twice is once");
        assert!(shelf.find(&gone).expect("readable").is_none());
        assert!(shelf.find(&stays).expect("readable").is_some());
        assert_eq!(shelf.conversations().expect("readable"), [TWO]);
        assert_eq!(shelf.bytes(), 3);
        let long_ago = SystemTime::UNIX_EPOCH;
        shelf.forget_older(TWO, Some(long_ago)).expect("readable");
        assert!(shelf.find(&stays).expect("readable").is_some());
        assert!(shelf.newest(TWO).expect("readable") > Some(long_ago));
    }
}
