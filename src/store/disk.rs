//! The disk under the two files: opening them, what their failures mean, and how much room is left.
//!
//! redb says only "I/O error" and then refuses everything on that handle, so `Watched` stands between redb and the
//! file and remembers what really failed. That decides between the three ways on:
//!
//! - no room while *writing*: nothing of that page was taken, so the file can be opened again and looked at;
//! - a failed read: the handle is spent, another may read;
//! - any failed sync, and any other failed write: the page cache can no longer be trusted to say what is on the disk,
//!   so the process must end ([`Fault::Broken`]).
//!
//! [`Disk`] is the seam for tests: a disk that fills up, fails or forgets unsynced writes. It never looks into a file.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use redb::backends::FileBackend;
use redb::{BackendError, Database, DatabaseError, StorageBackend};

use super::creation;
use crate::clock::monotonic;

/// How often the free space is asked for at most, in milliseconds: a `statvfs` costs a microsecond or two, but is asked
/// for with every webhook.
const SPACE_EVERY_MS: i64 = 1_000;

/// One of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataFile {
    /// The commit log.
    Journal,
    /// Everything that was applied from it.
    State,
}

impl DataFile {
    /// Its name in the data directory.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal.redb",
            Self::State => "state.redb",
        }
    }
}

/// Where the two files are.
pub trait Disk: Send + Sync + 'static {
    /// Opens `file`, empty if it was not there, for this process alone.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another process holds it; else as the disk says.
    fn open(&self, file: DataFile) -> io::Result<Box<dyn StorageBackend>>;

    /// The size of `file` in bytes; 0 when it is not there.
    fn size(&self, file: DataFile) -> u64;

    /// Bytes that can still be written; none when that cannot be told.
    fn free_bytes(&self) -> Option<u64>;
}

/// A directory of the file system: what everybody but a test uses.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// Takes `dir`, and makes it (mode 0700) when it is absent: what customers wrote is nobody else's business.
    ///
    /// # Errors
    /// As the file system says.
    pub fn at(dir: &Path) -> io::Result<Self> {
        if !dir.is_dir() {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir)?;
            if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
                sync_directory(parent)?;
            }
        }
        Ok(Self(dir.to_owned()))
    }
}

impl Disk for Directory {
    fn open(&self, file: DataFile) -> io::Result<Box<dyn StorageBackend>> {
        let path = self.0.join(file.name());
        let fresh = !path.exists();
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        // redb takes the same lock again through this very handle; holding it already here makes looking at a
        // half-created file safe.
        file.try_lock().map_err(io::Error::from)?;
        if fresh {
            // The name must survive a power cut as surely as what is in the file.
            sync_directory(&self.0)?;
        }
        FileBackend::new(file)
            .map(|backend| Box::new(backend) as Box<dyn StorageBackend>)
            .map_err(io::Error::other)
    }

    fn size(&self, file: DataFile) -> u64 {
        std::fs::metadata(self.0.join(file.name())).map_or(0, |meta| meta.len())
    }

    fn free_bytes(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        {
            let stat = rustix::fs::statvfs(&self.0).ok()?;
            Some(stat.f_bavail.saturating_mul(stat.f_frsize))
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Why the store could not do what it was asked to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// No room on the disk; nothing that was acknowledged is touched.
    #[error("no room on the disk")]
    Full,
    /// The disk failed in a way after which nothing read from it can be trusted.
    #[error("the disk failed: {0}")]
    Broken(String),
    /// The handle is spent or closed; another one may work.
    #[error("{0}")]
    Spent(String),
    /// The bytes are there and make no sense.
    #[error("unreadable: {0}")]
    Corrupt(String),
    /// A value was written by a newer release.
    #[error("format version {found} is newer than this release knows")]
    Newer {
        /// The version found.
        found: u8,
    },
}

/// What has gone wrong on one open file, worst first remembered. Shared between the file and whoever asks.
#[derive(Debug, Default)]
pub struct Trouble {
    worst: AtomicU8,
    text: Mutex<String>,
}

const READ_FAILED: u8 = 1;
const NO_ROOM: u8 = 2;
const BROKEN: u8 = 3;

impl Trouble {
    fn note(&self, rank: u8, what: &str, error: &io::Error) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        if self.worst.load(Ordering::Acquire) < rank {
            *text = format!("{what}: {error}");
            self.worst.store(rank, Ordering::Release);
        }
    }

    /// What an error that redb reported on this file means.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "redb's errors are open-ended, and not ours"
    )]
    pub fn explain(&self, error: redb::Error) -> Fault {
        let text = || {
            self.text
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        match self.worst.load(Ordering::Acquire) {
            BROKEN => Fault::Broken(text()),
            NO_ROOM => Fault::Full,
            READ_FAILED => Fault::Spent(text()),
            _ => match error {
                redb::Error::Corrupted(what) => Fault::Corrupt(what),
                // redb's word for a file that is not one of its own.
                redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                    Fault::Corrupt(error.to_string())
                }
                other => Fault::Spent(other.to_string()),
            },
        }
    }
}

/// Whether `error` says that there is no room.
pub fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded
}

/// A file that remembers how it failed.
struct Watched {
    inner: Box<dyn StorageBackend>,
    trouble: Arc<Trouble>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl Watched {
    fn written(&self, what: &str, result: io::Result<()>) -> io::Result<()> {
        result.inspect_err(|error| {
            let rank = if is_full(error) { NO_ROOM } else { BROKEN };
            self.trouble.note(rank, what, error);
        })
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.inner
            .len()
            .inspect_err(|error| self.trouble.note(READ_FAILED, "size", error))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner
            .read(offset, out)
            .inspect_err(|error| self.trouble.note(READ_FAILED, "read", error))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.written("resize", self.inner.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Also without room: pages that were already taken are now marked clean and are not on the disk.
        self.inner
            .sync_data()
            .inspect_err(|error| self.trouble.note(BROKEN, "sync", error))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.written("write", self.inner.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}

/// Why a file could not be opened.
#[derive(Debug)]
pub enum NotOpened {
    /// Another process holds it.
    InUse,
    /// It is there and cannot be used.
    Fault(Fault),
}

impl NotOpened {
    /// What `error` means when it comes of opening `file`.
    pub(super) fn of(file: DataFile, error: &io::Error) -> Self {
        let text = format!("{}: {error}", file.name());
        if error.kind() == io::ErrorKind::WouldBlock {
            Self::InUse
        } else if is_full(error) {
            Self::Fault(Fault::Full)
        } else if error.kind() == io::ErrorKind::InvalidData {
            Self::Fault(Fault::Corrupt(text))
        } else {
            Self::Fault(Fault::Spent(text))
        }
    }
}

/// Opens `file` as a database with `cache_bytes` of cache; what goes wrong on it later is told by the [`Trouble`].
///
/// # Errors
/// [`NotOpened`].
pub fn open_database(
    disk: &dyn Disk,
    file: DataFile,
    cache_bytes: usize,
) -> Result<(Database, Arc<Trouble>), NotOpened> {
    let trouble = Arc::new(Trouble::default());
    let explain = |error: redb::Error| {
        NotOpened::Fault(match trouble.explain(error) {
            // Only the people in front of it can mend it: they must know which.
            Fault::Corrupt(why) => Fault::Corrupt(format!("{}: {why}", file.name())),
            fault @ (Fault::Full | Fault::Broken(_) | Fault::Spent(_) | Fault::Newer { .. }) => {
                fault
            }
        })
    };
    let inner = disk
        .open(file)
        .map_err(|error| NotOpened::of(file, &error))?;
    let watched = Watched {
        inner,
        trouble: Arc::clone(&trouble),
    };
    creation::finish(&watched).map_err(|error| explain(error.into()))?;
    let opened = Database::builder()
        .set_cache_size(cache_bytes)
        .create_with_backend(watched);
    match opened {
        Ok(database) => Ok((database, trouble)),
        Err(DatabaseError::DatabaseAlreadyOpen) => Err(NotOpened::InUse),
        Err(error) => Err(explain(error.into())),
    }
}

/// The free space, asked for at most once a second.
pub struct Space {
    disk: Arc<dyn Disk>,
    started: Instant,
    asked_ms: AtomicI64,
    free: AtomicU64,
}

impl Space {
    /// Watches the room on `disk`.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        let free = AtomicU64::new(disk.free_bytes().unwrap_or(u64::MAX));
        Self {
            disk,
            started: monotonic(),
            asked_ms: AtomicI64::new(0),
            free,
        }
    }

    /// Bytes that can still be written, not older than a second; `u64::MAX` when that cannot be told.
    pub fn free_bytes(&self) -> u64 {
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let asked = self.asked_ms.load(Ordering::Relaxed);
        let due = now - asked >= SPACE_EVERY_MS;
        if due
            && self
                .asked_ms
                .compare_exchange(asked, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.free.store(
                self.disk.free_bytes().unwrap_or(u64::MAX),
                Ordering::Relaxed,
            );
        }
        self.free.load(Ordering::Relaxed)
    }
}
