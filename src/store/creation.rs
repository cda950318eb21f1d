//! A file that redb was still making when the process or the power went.
//!
//! redb grows a new file to its first size, writes its head without its mark, syncs, and writes the head again with the
//! mark. Cut off before the mark, the file holds nothing, but redb would refuse it for ever. Such a file is finished
//! here, with the steps that redb would have gone on with. A file whose first bytes were damaged lacks the mark as well
//! and may hold everything: it is refused. Nothing is ever cut off or emptied.
//!
//! What redb leaves is not written down here but asked of redb, which makes a file that only takes notes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{Database, StorageBackend};

use super::disk::{DataFile, Disk, Fault, NotOpened};

/// redb's mark at the head of a file.
const MARK: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";
/// The cache of the rehearsal, which holds one page.
const REHEARSAL_CACHE: usize = 64 * 1024;

/// How far the making of a file has come.
enum Stage {
    /// There is nothing in it.
    Empty,
    /// It was cut off before it was marked.
    CutOff(Making),
    /// It bears the mark: what else it says is for redb to judge.
    Marked,
    /// It has no mark, and redb left no such file.
    Unknown,
}

/// How redb makes a file.
struct Making {
    len: u64,
    unmarked: Vec<u8>,
    marked: Vec<u8>,
}

/// A file that takes notes, and fails once the making is done.
#[derive(Clone, Default, Debug)]
struct Rehearsal(Arc<Mutex<Notes>>);

#[derive(Default, Debug)]
struct Notes {
    len: u64,
    heads: Vec<Vec<u8>>,
    syncs: u32,
}

impl Rehearsal {
    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Rehearsal {
    fn len(&self) -> io::Result<u64> {
        Ok(self.notes().len)
    }

    fn read(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.notes().len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut notes = self.notes();
        notes.syncs += 1;
        if notes.syncs > 1 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset > 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.notes().heads.push(data.to_vec());
        Ok(())
    }
}

impl Making {
    /// Asks redb; none if it does not make files as the head of this room says.
    fn rehearse() -> Option<Self> {
        let file = Rehearsal::default();
        // It always fails: the notes are what is wanted.
        drop(
            Database::builder()
                .set_cache_size(REHEARSAL_CACHE)
                .create_with_backend(file.clone()),
        );
        let mut notes = file.notes();
        let heads = std::mem::take(&mut notes.heads);
        let [unmarked, marked] = <[Vec<u8>; 2]>::try_from(heads).ok()?;
        let known = marked.starts_with(&MARK) && unmarked.len() == marked.len();
        known.then_some(Self {
            len: notes.len,
            unmarked,
            marked,
        })
    }

    /// Whether `file` of `len` bytes is what a making leaves that was cut off before the mark: zeros, or the head and
    /// zeros. The head may be there before the size is.
    fn left(&self, file: &dyn StorageBackend, len: u64) -> io::Result<bool> {
        if len > self.len {
            return Ok(false);
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        file.read(0, &mut bytes)?;
        let rest = bytes.strip_prefix(&*self.unmarked).unwrap_or(&bytes);
        Ok(rest.iter().all(|byte| *byte == 0))
    }

    /// Makes `file` as redb does: the mark is written only over what is surely there.
    fn finish(&self, file: &dyn StorageBackend) -> io::Result<()> {
        file.set_len(self.len)?;
        file.write(0, &self.unmarked)?;
        file.sync_data()?;
        file.write(0, &self.marked)?;
        file.sync_data()
    }
}

fn stage(file: &dyn StorageBackend) -> io::Result<Stage> {
    let len = file.len()?;
    if len == 0 {
        return Ok(Stage::Empty);
    }
    if len >= MARK.len() as u64 {
        let mut mark = [0; MARK.len()];
        file.read(0, &mut mark)?;
        if mark == MARK {
            return Ok(Stage::Marked);
        }
    }
    if let Some(making) = Making::rehearse()
        && making.left(file, len)?
    {
        return Ok(Stage::CutOff(making));
    }
    Ok(Stage::Unknown)
}

fn unknown() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "its beginning is not that of a data file, and it was left as it is; move it away if it was never the store's",
    )
}

/// Looks at both files and changes neither, so that a damaged one is named before the other is made or written.
///
/// # Errors
/// [`NotOpened`].
pub fn check(disk: &dyn Disk) -> Result<(), NotOpened> {
    for file in [DataFile::State, DataFile::Journal] {
        // Opening would make a file that is not there.
        if disk.size(file) == 0 {
            // The state is made before the journal.
            if file == DataFile::State && disk.size(DataFile::Journal) > 0 {
                return Err(NotOpened::Fault(Fault::Corrupt(format!(
                    "{} is missing or empty, but {} is there; put it back, nothing was touched",
                    file.name(),
                    DataFile::Journal.name()
                ))));
            }
            continue;
        }
        let failed = |error| NotOpened::of(file, &error);
        let opened = disk.open(file).map_err(failed)?;
        match stage(opened.as_ref()).map_err(failed)? {
            Stage::Empty | Stage::Marked => {}
            Stage::Unknown => return Err(failed(unknown())),
            // The state is made before the journal: beside a journal, zeros are all that is left of a state.
            Stage::CutOff(_) if file == DataFile::State && disk.size(DataFile::Journal) > 0 => {
                return Err(NotOpened::Fault(Fault::Corrupt(format!(
                    "{} holds nothing, but {} is there; both were left as they are",
                    file.name(),
                    DataFile::Journal.name()
                ))));
            }
            Stage::CutOff(_) => {}
        }
    }
    Ok(())
}

/// Finishes `file` if it was cut off while being made.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when it is no data file; else as the disk says.
pub fn finish(file: &dyn StorageBackend) -> io::Result<()> {
    match stage(file)? {
        Stage::Empty | Stage::Marked => Ok(()),
        Stage::CutOff(making) => making.finish(file),
        Stage::Unknown => Err(unknown()),
    }
}
