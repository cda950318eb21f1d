//! Opening the two files: do they belong together, are they ours to read, and what was committed and not applied.
//!
//! Both files carry one store id. The next position is one above whatever either file has reached. A journal that
//! belongs to another store, or whose first row leaves a gap above what the state has applied, refuses to start:
//! going on would lose what was acknowledged without a word. Nothing is changed before all of that is checked, but
//! for making what is new.

use std::sync::Arc;
use std::time::Duration;

use super::creation;
use super::disk::{DataFile, Disk, Fault, NotOpened};
use super::identity::{Identity, LAYOUT, META};
use super::journal::Journal;
use super::state::{self, KEY, State};
use super::tail::{Group, TURN_BYTES, Tail};
use crate::clock::monotonic;

/// The journal's cache: it reads only at the start and writes at its right edge.
const JOURNAL_CACHE_MAX: usize = 64 * 1024 * 1024;
/// A cache below this makes redb write dirty pages before their commit.
const CACHE_MIN: usize = 8 * 1024 * 1024;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the files.
    #[error(
        "the data directory is in use by another process; stop it, or name another directory with --data"
    )]
    InUse,
    /// Written by a newer release.
    #[error(
        "the data is of format {found}, this release knows up to {known}; run the release that wrote it, or restore the backup taken before the upgrade"
    )]
    NewerVersion {
        /// The version found.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// The two files belong to different stores.
    #[error(
        "journal.redb and state.redb belong to different stores; put back the file that belongs to the other"
    )]
    ForeignStore,
    /// Commits between the state and the journal are missing.
    #[error(
        "commits are missing: the state ends at {applied}, the journal goes on at {found:?}; restore both files from one backup"
    )]
    JournalGap {
        /// Up to where the state is applied.
        applied: u64,
        /// The first row found after it; none: the journal is empty or new.
        found: Option<u64>,
    },
    /// There is no room on the disk.
    #[error(
        "no room on the disk ({free} bytes free, {needed} wanted); make room, then start again"
    )]
    Full {
        /// Bytes free.
        free: u64,
        /// Bytes wanted.
        needed: u64,
    },
    /// The disk says no.
    #[error("the data directory cannot be used: {0}")]
    Io(String),
    /// What is there cannot be read.
    #[error("the data is damaged: {0}; restore a backup")]
    Corrupt(String),
}

/// What was found when opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// Conversations with something committed and not applied.
    pub conversations_in_tail: u64,
    /// Turns committed and not applied.
    pub records: u64,
    /// How long opening took.
    pub took: Duration,
}

/// A store that was opened and not yet started.
pub(super) struct Found {
    pub(super) state: State,
    pub(super) journal: Journal,
    pub(super) tail: Tail,
    pub(super) key: [u8; 32],
    pub(super) recovered: Recovered,
}

/// Opens both files on `disk`. Below `free_bytes_min` no new store is begun; one that exists is opened all the same,
/// so that what it holds can be finished.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    cache_mb: usize,
    free_bytes_min: u64,
) -> Result<Found, OpenError> {
    let started = monotonic();
    let explain = |error: NotOpened| not_opened(error, disk.as_ref(), free_bytes_min);
    let fault = |fault: Fault| explain(NotOpened::Fault(fault));
    let free = disk.free_bytes().unwrap_or(u64::MAX);
    if disk.size(DataFile::State) == 0 && free < free_bytes_min {
        return Err(fault(Fault::Full));
    }
    creation::check(disk.as_ref()).map_err(explain)?;
    let (journal_cache, state_cache) = split_cache(cache_mb);
    let state = State::open(Arc::clone(disk), state_cache).map_err(explain)?;
    let (identity, key) = own_identity(&state, fault)?;
    let mut journal = Journal::open(Arc::clone(disk), journal_cache).map_err(explain)?;
    let applied = state.read(state::applied).map_err(fault)?;
    check_belongs(&mut journal, identity, applied, fault)?;
    let tail = read_tail(&mut journal, applied, fault)?;
    let recovered = Recovered {
        conversations_in_tail: tail.conversations(),
        records: tail.records(),
        took: started.elapsed(),
    };
    Ok(Found {
        state,
        journal,
        tail,
        key,
        recovered,
    })
}

/// The journal's share and the state's, in bytes.
fn split_cache(cache_mb: usize) -> (usize, usize) {
    let whole = cache_mb.saturating_mul(1024 * 1024);
    let journal = (whole / 8).clamp(CACHE_MIN, JOURNAL_CACHE_MAX);
    (journal, whole.saturating_sub(journal).max(CACHE_MIN))
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn not_opened(error: NotOpened, disk: &dyn Disk, needed: u64) -> OpenError {
    match error {
        NotOpened::InUse => OpenError::InUse,
        NotOpened::Fault(Fault::Full) => OpenError::Full {
            free: disk.free_bytes().unwrap_or(0),
            needed,
        },
        NotOpened::Fault(Fault::Newer { found }) => OpenError::NewerVersion {
            found: u32::from(found),
            known: u32::from(super::format::VERSION),
        },
        NotOpened::Fault(Fault::Corrupt(why)) => OpenError::Corrupt(why),
        NotOpened::Fault(Fault::Broken(why) | Fault::Spent(why)) => OpenError::Io(why),
    }
}

/// The state file's identity and key, drawn now if the file is new.
fn own_identity(
    state: &State,
    explain: impl Fn(Fault) -> OpenError,
) -> Result<(Identity, [u8; 32]), OpenError> {
    let identity = match state.inspect(Identity::read).map_err(&explain)? {
        Some(identity) => identity,
        None => {
            let identity = Identity {
                store: random().map_err(OpenError::Io)?,
                layout: LAYOUT,
            };
            let key: [u8; 32] = random().map_err(OpenError::Io)?;
            state
                .write(|txn| {
                    state::create_tables(txn)?;
                    txn.open_table(META)?.insert(KEY, key.as_slice())?;
                    identity.write(txn)
                })
                .map_err(&explain)?;
            identity
        }
    };
    check_layout(identity)?;
    let key = state
        .read(|txn| {
            let meta = txn.open_table(META)?;
            Ok(meta
                .get(KEY)?
                .and_then(|value| value.value().try_into().ok()))
        })
        .map_err(&explain)?;
    let key = key.ok_or_else(|| OpenError::Corrupt("the store's key is missing".to_owned()))?;
    Ok((identity, key))
}

fn check_layout(identity: Identity) -> Result<(), OpenError> {
    if identity.layout > LAYOUT {
        return Err(OpenError::NewerVersion {
            found: identity.layout,
            known: LAYOUT,
        });
    }
    Ok(())
}

/// Makes sure that the journal is this state's, and makes a new one so.
fn check_belongs(
    journal: &mut Journal,
    identity: Identity,
    applied: u64,
    explain: impl Fn(Fault) -> OpenError,
) -> Result<(), OpenError> {
    match journal.identity().map_err(&explain)? {
        Some(theirs) => {
            check_layout(theirs)?;
            if theirs.store != identity.store {
                return Err(OpenError::ForeignStore);
            }
        }
        // Made just now, or cut off while being made.
        None if applied == 0 => journal.adopt(identity).map_err(&explain)?,
        None => {
            return Err(OpenError::JournalGap {
                applied,
                found: None,
            });
        }
    }
    Ok(())
}

/// Reads what is committed and not applied.
fn read_tail(
    journal: &mut Journal,
    applied: u64,
    explain: impl Fn(Fault) -> OpenError,
) -> Result<Tail, OpenError> {
    let (first, last) = journal.ends().map_err(&explain)?;
    let mut tail = Tail::new(applied, applied.max(last.unwrap_or(0)));
    let gap = |found| OpenError::JournalGap {
        applied,
        found: Some(found),
    };
    if let Some(first) = first.filter(|&first| first > applied + 1) {
        return Err(gap(first));
    }
    let (mut expected, mut missing) = (applied + 1, None);
    journal
        .replay(applied, |row| {
            if row.seq != expected {
                missing.get_or_insert(row.seq);
            }
            expected = row.seq + 1;
            let bytes = row.turns.iter().map(|(_, len)| *len as u64 + TURN_BYTES);
            tail.insert(Arc::new(Group {
                seq: row.seq,
                at: row.at,
                bytes: bytes.sum(),
                turns: row
                    .turns
                    .into_iter()
                    .map(|(turn, _)| Arc::new(turn))
                    .collect(),
            }));
        })
        .map_err(&explain)?;
    missing.map_or(Ok(tail), |found| Err(gap(found)))
}
