//! Between the store and its file: what happens when the file does not take any more.

use std::{
    collections::BTreeMap,
    fmt, io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::StorageBackend;

/// The part of the file that says which commit is the last.
const HEADER: u64 = 4_096;
const BLOCK: u64 = 4_096;
const BLOCK_LEN: usize = 4_096;
/// Bytes of memory for what is written between two syncs that are not given back.
const UNSYNCED: usize = 4 << 20;

/// Why a file does not take any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no space. When there is, it goes on.
    NoSpace,
    /// Something else. Nobody knows what the file holds until it is opened anew.
    Other(String),
}

/// A file that stops to take anything at the first failure, and can be read on.
///
/// The store takes each failed write for the end of all reading too. So it is not told: from the first failure on
/// nothing reaches the file any more, what is written stays in memory, and whoever has committed asks whether there
/// was a [`Failure`]. If it was for want of space, [`Layer::thaw`] makes good for it: all that was written since the
/// last sync is known, also what a failed sync may have lost.
///
/// The header, which makes a commit be one, is held back until the sync. So a commit that fails before it is none for
/// the file; the store itself writes its header at any time before the sync.
pub(super) struct Layer {
    base: Arc<dyn StorageBackend>,
    header: Mutex<Option<Box<[u8]>>>,
    unsynced: Mutex<Unsynced>,
    is_frozen: AtomicBool,
    frozen: Mutex<Option<Frozen>>,
}

/// What was written since the last sync.
#[derive(Default)]
struct Unsynced {
    bytes: Vec<u8>,
    /// Where each piece goes, and how long it is.
    places: Vec<(u64, usize)>,
}

struct Frozen {
    why: Failure,
    len: u64,
    /// As far as what is in the file still counts.
    solid: u64,
    blocks: BTreeMap<u64, Box<[u8]>>,
}

impl Unsynced {
    fn add(&mut self, at: u64, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        self.places.push((at, data.len()));
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(UNSYNCED);
        self.places.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Layer {
    pub(super) fn new(base: Arc<dyn StorageBackend>) -> Self {
        Self {
            base,
            header: Mutex::default(),
            unsynced: Mutex::default(),
            is_frozen: AtomicBool::new(false),
            frozen: Mutex::default(),
        }
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        if !self.is_frozen.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.frozen).as_ref().map(|frozen| frozen.why.clone())
    }

    /// Writes to the file what it could not take for want of space. False if there still is none, or if that was not
    /// what failed.
    pub(super) fn thaw(&self) -> bool {
        let mut slot = lock(&self.frozen);
        let Some(frozen) = &mut *slot else { return true };
        if frozen.why != Failure::NoSpace {
            return false;
        }
        if let Err(error) = frozen.write_to(&*self.base) {
            if !is_no_space(&error) {
                frozen.why = Failure::Other(error.to_string());
            }
            return false;
        }
        lock(&self.unsynced).clear();
        *slot = None;
        self.is_frozen.store(false, Ordering::Release);
        true
    }

    /// Writes the header that was held back.
    fn let_go(&self) -> io::Result<()> {
        let Some(header) = lock(&self.header).take() else { return Ok(()) };
        self.put(0, &header)
    }

    fn put(&self, at: u64, data: &[u8]) -> io::Result<()> {
        let to_file = |base: &dyn StorageBackend| {
            // One at a time: readers too may push pages out to the file.
            let mut unsynced = lock(&self.unsynced);
            base.write(at, data)?;
            unsynced.add(at, data);
            Ok(())
        };
        self.change(to_file, |frozen| frozen.write(at, data, &*self.base))
    }

    /// Has `in_memory` change what is in memory, if there was a failure; otherwise has `to_file` change the file.
    fn change(
        &self,
        to_file: impl FnOnce(&dyn StorageBackend) -> io::Result<()>,
        in_memory: impl FnOnce(&mut Frozen),
    ) -> io::Result<()> {
        if !self.is_frozen.load(Ordering::Acquire) {
            let Err(error) = to_file(&*self.base) else { return Ok(()) };
            self.freeze(&error)?;
        }
        if let Some(frozen) = &mut *lock(&self.frozen) {
            in_memory(frozen);
        }
        Ok(())
    }

    fn freeze(&self, error: &io::Error) -> io::Result<()> {
        let why = if is_no_space(error) { Failure::NoSpace } else { Failure::Other(error.to_string()) };
        let len = self.base.len()?;
        let mut frozen = Frozen { why, len, solid: len, blocks: BTreeMap::new() };
        let unsynced = mem::take(&mut *lock(&self.unsynced));
        let mut rest = &unsynced.bytes[..];
        for (at, count) in unsynced.places {
            let (data, after) = rest.split_at(count);
            frozen.write(at, data, &*self.base);
            rest = after;
        }
        lock(&self.frozen).get_or_insert(frozen);
        self.is_frozen.store(true, Ordering::Release);
        Ok(())
    }
}

pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A number of bytes that are in memory.
fn len(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl Frozen {
    fn write(&mut self, at: u64, data: &[u8], base: &dyn StorageBackend) {
        self.len = self.len.max(at + data.len() as u64);
        let mut done = 0;
        while done < data.len() {
            let place = at + done as u64;
            let (block, begin) = (place / BLOCK, len(place % BLOCK));
            let count = (BLOCK_LEN - begin).min(data.len() - done);
            let own = self.blocks.entry(block).or_insert_with(|| {
                let mut bytes = vec![0; BLOCK_LEN].into_boxed_slice();
                let known = len(self.solid.saturating_sub(block * BLOCK)).min(BLOCK_LEN);
                if count < BLOCK_LEN
                    && known > 0
                    && let Err(error) = base.read(block * BLOCK, &mut bytes[..known])
                {
                    self.why = Failure::Other(error.to_string());
                }
                bytes
            });
            own[begin..begin + count].copy_from_slice(&data[done..done + count]);
            done += count;
        }
    }

    fn set_len(&mut self, end: u64) {
        self.len = end;
        self.solid = self.solid.min(end);
        self.blocks.retain(|block, _| block * BLOCK < end);
        if let Some(last) = self.blocks.get_mut(&(end / BLOCK)) {
            last[len(end % BLOCK)..].fill(0);
        }
    }

    /// Writes all of it to the file, the header last.
    fn write_to(&self, base: &dyn StorageBackend) -> io::Result<()> {
        if base.len()? != self.len {
            base.set_len(self.len)?;
        }
        for (block, bytes) in self.blocks.iter().rev() {
            let begin = block * BLOCK;
            base.write(begin, &bytes[..len(self.len - begin).min(BLOCK_LEN)])?;
        }
        base.sync_data()
    }

    fn read(&self, at: u64, out: &mut [u8], base: &dyn StorageBackend) -> io::Result<()> {
        let end = at + out.len() as u64;
        if end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let known = len(self.solid.saturating_sub(at)).min(out.len());
        base.read(at, &mut out[..known])?;
        out[known..].fill(0);
        for block in at / BLOCK..end.div_ceil(BLOCK) {
            let Some(bytes) = self.blocks.get(&block) else { continue };
            let from = at.max(block * BLOCK);
            let to = end.min((block + 1) * BLOCK);
            let inside = len(from - block * BLOCK)..len(to - block * BLOCK);
            out[len(from - at)..len(to - at)].copy_from_slice(&bytes[inside]);
        }
        Ok(())
    }
}

impl StorageBackend for Layer {
    fn len(&self) -> io::Result<u64> {
        if self.is_frozen.load(Ordering::Acquire)
            && let Some(frozen) = &*lock(&self.frozen)
        {
            return Ok(frozen.len);
        }
        self.base.len()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        if at < HEADER {
            self.let_go()?;
        }
        if self.is_frozen.load(Ordering::Acquire)
            && let Some(frozen) = &*lock(&self.frozen)
        {
            return frozen.read(at, out, &*self.base);
        }
        self.base.read(at, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|base| base.set_len(len), |frozen| frozen.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.let_go()?;
        let to_file = |base: &dyn StorageBackend| {
            base.sync_data()?;
            lock(&self.unsynced).clear();
            Ok(())
        };
        self.change(to_file, |_| {})
    }

    fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        if at == 0 {
            *lock(&self.header) = Some(data.into());
            return Ok(());
        }
        self.put(at, data)
    }

    fn close(&self) -> io::Result<()> {
        self.let_go()
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layer")
    }
}

#[cfg(test)]
mod tests;
