//! Files of our own side that no reply has named yet, so that what was chosen and never sent does not take the room of a
//! conversation for ever.
//!
//! In memory: what a restart finds unnamed stays and goes with its conversation, within its limits. A file that a reply
//! has named once is never touched here, whatever became of the reply.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{FileId, Shelf};
use crate::clock::Timestamp;
use crate::ids::{IdHash, IdHasher};

/// How long a file waits for the reply that names it: over night, and the shift after.
pub const KEPT_FOR: Duration = Duration::from_hours(24);
/// The most that are remembered: the oldest then waits for its conversation to go.
const REMEMBERED_MAX: usize = 10_000;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Unsent(Mutex<VecDeque<(Timestamp, FileId)>>);

impl Shelf {
    /// Files of our own side that no reply has named yet.
    pub fn unsent(&self) -> &Unsent {
        &self.unsent
    }

    /// The hash of what a file holds; none: there is no such file.
    ///
    /// # Errors
    /// As the file system says.
    pub fn digest(&self, id: &FileId) -> io::Result<Option<IdHash>> {
        let Some((mut file, _)) = self.find(id)? else {
            return Ok(None);
        };
        let mut hasher = IdHasher::default();
        let mut piece = vec![0; 64 * 1024];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(Some(hasher.finish())),
                n => hasher.update(&piece[..n]),
            }
        }
    }
}

impl Unsent {
    /// A file was kept.
    pub fn add(&self, file: FileId, now: Timestamp) {
        let mut files = self.lock();
        if files.len() >= REMEMBERED_MAX {
            files.pop_front();
        }
        files.push_back((now, file));
    }

    /// A reply names it.
    pub fn named(&self, file: &FileId) {
        self.lock().retain(|(_, one)| one != file);
    }

    /// Takes those out that have waited too long: nobody may name them any more once they are removed.
    pub fn take_old(&self, now: Timestamp) -> Vec<FileId> {
        let mut files = self.lock();
        let mut old = Vec::new();
        while let Some((at, file)) = files.front().copied()
            && now.since(at) >= KEPT_FOR
        {
            files.pop_front();
            old.push(file);
        }
        old
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Timestamp, FileId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
