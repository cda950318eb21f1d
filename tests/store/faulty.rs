//! A disk in memory that fails on command: it can fill up, fail a sync, or be cut off at its n-th change and then show
//! what a power cut may have left: everything synced, and any part of the rest.

use std::collections::HashSet;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use redb::{BackendError, StorageBackend};
use segue::store::disk::{DataFile, Disk};

const BLOCK: u64 = 4_096;
const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Resize(u64),
}

impl Change {
    fn make(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let (from, to) = (*offset as usize, *offset as usize + data.len());
                if image.len() < to {
                    image.resize(to, 0);
                }
                image[from..to].copy_from_slice(data);
            }
            Self::Resize(len) => image.resize(*len as usize, 0),
        }
    }
}

#[derive(Default, Debug)]
struct Image {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    blocks: HashSet<u64>,
    locked: bool,
}

#[derive(Debug)]
struct Machine {
    files: [Mutex<Image>; 2],
    changes: AtomicU64,
    cut_at: AtomicU64,
    room_blocks: AtomicU64,
    refuse_at: AtomicU64,
    refuse_late: AtomicBool,
    sync_fails: AtomicBool,
    read_fails: AtomicBool,
}

/// See the head of this file. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FaultyDisk(Arc<Machine>);

impl FaultyDisk {
    pub fn new() -> Self {
        Self::holding([Vec::new(), Vec::new()])
    }

    fn holding(images: [Vec<u8>; 2]) -> Self {
        let files = images.map(|bytes| {
            Mutex::new(Image {
                blocks: (0..(bytes.len() as u64).div_ceil(BLOCK)).collect(),
                durable: bytes.clone(),
                current: bytes,
                ..Image::default()
            })
        });
        Self(Arc::new(Machine {
            files,
            changes: AtomicU64::new(0),
            cut_at: AtomicU64::new(u64::MAX),
            room_blocks: AtomicU64::new(u64::MAX),
            refuse_at: AtomicU64::new(0),
            refuse_late: AtomicBool::new(false),
            sync_fails: AtomicBool::new(false),
            read_fails: AtomicBool::new(false),
        }))
    }

    /// From the `n`-th change on, counted from the disk's beginning, nothing works any more.
    pub fn cut_at(&self, n: u64) {
        self.0.cut_at.store(n, Ordering::SeqCst);
    }

    /// How many changes there have been.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::SeqCst)
    }

    /// Lets only `more` further blocks be allocated.
    pub fn leave_room(&self, more: u64) {
        let used: usize = self
            .0
            .files
            .iter()
            .map(|f| f.lock().unwrap().blocks.len())
            .sum();
        self.0
            .room_blocks
            .store(used as u64 + more, Ordering::SeqCst);
    }

    /// The `n`-th write or resize from now on, and that alone, is answered with "no room"; `late`: after it was done.
    pub fn refuse_once(&self, n: u64, late: bool) {
        self.0.refuse_late.store(late, Ordering::SeqCst);
        self.0.refuse_at.store(n, Ordering::SeqCst);
    }

    pub fn make_room(&self) {
        self.0.room_blocks.store(u64::MAX, Ordering::SeqCst);
    }

    pub fn fail_syncs(&self, fail: bool) {
        self.0.sync_fails.store(fail, Ordering::SeqCst);
    }

    pub fn fail_reads(&self, fail: bool) {
        self.0.read_fails.store(fail, Ordering::SeqCst);
    }

    /// What is on the disk after a power cut: what was synced, and of the rest what `seed` says, torn at sectors.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = seed | 1;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let keep = next() % 4;
        Self::holding([0, 1].map(|file| {
            let image = self.0.files[file].lock().unwrap();
            let mut bytes = image.durable.clone();
            for change in &image.unsynced {
                let lot = next() % 4;
                if lot >= keep {
                    continue;
                }
                let torn = next() % 3 == 0;
                match change {
                    Change::Write(offset, data) if torn && data.len() > SECTOR => {
                        let some = (next() as usize % (data.len() / SECTOR)) * SECTOR;
                        Change::Write(*offset, data[..some].to_vec()).make(&mut bytes);
                    }
                    Change::Write(..) | Change::Resize(_) => change.make(&mut bytes),
                }
            }
            bytes
        }))
    }

    /// What a process that was killed leaves behind: everything it wrote.
    pub fn after_kill(&self) -> Self {
        Self::holding([0, 1].map(|file| self.0.files[file].lock().unwrap().current.clone()))
    }

    /// The same disk with one of the files taken from `other`.
    pub fn with_file_of(&self, file: DataFile, other: &Self) -> Self {
        let take = |f: usize| {
            let from = if f == index(file) { other } else { self };
            from.0.files[f].lock().unwrap().current.clone()
        };
        Self::holding([take(0), take(1)])
    }

    /// Everything that is in `file`.
    pub fn bytes(&self, file: DataFile) -> Vec<u8> {
        self.0.files[index(file)].lock().unwrap().current.clone()
    }

    /// The same disk with something else in `file`.
    pub fn with_bytes(&self, file: DataFile, bytes: Vec<u8>) -> Self {
        let mut images = [self.bytes(DataFile::Journal), self.bytes(DataFile::State)];
        images[index(file)] = bytes;
        Self::holding(images)
    }

    pub fn without(&self, file: DataFile) -> Self {
        self.with_file_of(file, &Self::new())
    }
}

fn index(file: DataFile) -> usize {
    match file {
        DataFile::Journal => 0,
        DataFile::State => 1,
    }
}

impl Disk for FaultyDisk {
    fn open(&self, file: DataFile) -> io::Result<Box<dyn StorageBackend>> {
        let backend = FaultyFile {
            machine: Arc::clone(&self.0),
            file: index(file),
        };
        backend.alive()?;
        Ok(Box::new(backend))
    }

    fn size(&self, file: DataFile) -> u64 {
        self.0.files[index(file)].lock().unwrap().current.len() as u64
    }

    fn free_bytes(&self) -> Option<u64> {
        let used: usize = self
            .0
            .files
            .iter()
            .map(|f| f.lock().unwrap().blocks.len())
            .sum();
        let room = self.0.room_blocks.load(Ordering::SeqCst);
        Some(room.saturating_sub(used as u64).saturating_mul(BLOCK))
    }
}

#[derive(Debug)]
struct FaultyFile {
    machine: Arc<Machine>,
    file: usize,
}

fn dead() -> io::Error {
    io::Error::other("the disk is gone")
}

impl FaultyFile {
    fn image(&self) -> std::sync::MutexGuard<'_, Image> {
        self.machine.files[self.file].lock().unwrap()
    }

    fn alive(&self) -> io::Result<()> {
        let cut = self.machine.cut_at.load(Ordering::SeqCst);
        if self.machine.changes.load(Ordering::SeqCst) >= cut {
            return Err(dead());
        }
        Ok(())
    }

    /// Whether this write or resize is the one to be refused.
    fn refused(&self) -> bool {
        let at = &self.machine.refuse_at;
        at.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) == Ok(1)
    }

    fn full(&self, refused: bool, late: bool) -> io::Result<()> {
        if refused && late == self.machine.refuse_late.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn count(&self) -> io::Result<()> {
        self.alive()?;
        self.machine.changes.fetch_add(1, Ordering::SeqCst);
        self.alive()
    }
}

impl StorageBackend for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.alive()?;
        Ok(self.image().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.alive()?;
        if self.machine.read_fails.load(Ordering::SeqCst) {
            return Err(dead());
        }
        let image = self.image();
        let from = offset as usize;
        let bytes = image
            .current
            .get(from..from + out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.count()?;
        let refused = self.refused();
        self.full(refused, false)?;
        let mut image = self.image();
        image.blocks.retain(|block| block * BLOCK < len);
        let change = Change::Resize(len);
        change.make(&mut image.current);
        image.unsynced.push(change);
        drop(image);
        self.full(refused, true)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.count()?;
        if self.machine.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let mut image = self.image();
        let unsynced = std::mem::take(&mut image.unsynced);
        for change in unsynced {
            change.make(&mut image.durable);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.count()?;
        let refused = self.refused();
        self.full(refused, false)?;
        let room = self.machine.room_blocks.load(Ordering::SeqCst);
        if room < u64::MAX {
            let used: usize = self
                .machine
                .files
                .iter()
                .map(|f| f.lock().unwrap().blocks.len())
                .sum();
            let image = self.image();
            let wanted = offset / BLOCK..(offset + data.len() as u64).div_ceil(BLOCK);
            let more = wanted.filter(|block| !image.blocks.contains(block)).count();
            if more > 0 && (used + more) as u64 > room {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
        }
        let mut image = self.image();
        let blocks = offset / BLOCK..(offset + data.len() as u64).div_ceil(BLOCK);
        image.blocks.extend(blocks);
        let change = Change::Write(offset, data.to_vec());
        change.make(&mut image.current);
        image.unsynced.push(change);
        drop(image);
        self.full(refused, true)
    }

    fn close(&self) -> io::Result<()> {
        self.image().locked = false;
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        let whole =
            matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded;
        if !whole {
            return Err(BackendError::Unsupported);
        }
        Ok(!std::mem::replace(&mut self.image().locked, true))
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        self.image().locked = false;
        Ok(())
    }
}
