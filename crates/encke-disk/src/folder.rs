//! The folder of a log: who works in it, and what was answered last.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use encke_core::Epoch;

use crate::{DiskError, store::is_no_space};

const LOCK: &str = "LOCK";
const FILE: &str = "encke.redb";
const WITNESS: &str = "encke.head";

/// A folder that is ours as long as this lives.
pub(crate) struct Folder {
    path: PathBuf,
    /// Holding it open holds the lock.
    _lock: File,
}

impl Folder {
    /// Takes the folder at `path`, and makes it if it does not exist.
    pub(crate) fn take(path: &Path) -> Result<Self, DiskError> {
        let failed = |error| io_error(path, error);
        if let Err(error) = fs::create_dir_all(path) {
            if path.exists() && !path.is_dir() {
                return Err(DiskError::Foreign { path: path.into(), what: "it is not a folder".into() });
            }
            return Err(failed(error));
        }
        let file = path.join(LOCK);
        let lock = File::options().read(true).write(true).create(true).truncate(false).open(&file);
        let mut lock = lock.map_err(|error| io_error(&file, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = lock.take(32).read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(DiskError::Locked { dir: path.into(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(io_error(&file, error)),
        }
        // Only said to people: a lock without a number is a lock.
        let pid = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        pid.map_err(|error| io_error(&file, error))?;
        Ok(Self { path: path.into(), _lock: lock })
    }

    /// The file of the log.
    pub(crate) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// Makes sure that the folder itself will still name its files after a loss of power.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        let synced = File::open(&self.path).and_then(|dir| dir.sync_all());
        synced.map_err(|error| io_error(&self.path, error))
    }

    /// The witness of what was answered, and what it has seen.
    pub(crate) fn witness(&self) -> Result<(Witness, Option<Sight>), DiskError> {
        let path = self.path.join(WITNESS);
        let opened = || {
            let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            let mut bytes = Vec::new();
            Read::by_ref(&mut file).take(Sight::LEN as u64 + 1).read_to_end(&mut bytes)?;
            let boot = boot();
            Ok((Witness { file, boot }, Sight::read(&bytes, boot)))
        };
        opened().map_err(|error| io_error(&path, error))
    }
}

pub(crate) fn io_error(path: &Path, error: io::Error) -> DiskError {
    if is_no_space(&error) {
        return DiskError::NoSpace { path: path.into() };
    }
    DiskError::Io { path: path.into(), error }
}

/// Notes beside the log which commits were answered for.
///
/// It is never synced, so after a loss of power it may lag, but it is never ahead. If it knows of more commits than the
/// log does when that is opened again, something that was answered for is lost: the newest commit was damaged and taken
/// for one that was not finished, or an older copy of the log was put back. And as long as the machine has not been
/// started anew it knows of all.
pub(crate) struct Witness {
    file: File,
    boot: [u8; 8],
}

/// What a witness has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) epoch: Epoch,
    pub(crate) commits: u64,
    /// The last message.
    pub(crate) seq: u64,
    /// Whether it knows of all that was answered for: the machine has not been started anew since.
    pub(crate) is_sure: bool,
}

impl Sight {
    const LEN: usize = 36;

    fn write(epoch: Epoch, commits: u64, seq: u64, boot: [u8; 8]) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&epoch.bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&commits.to_le_bytes());
        bytes[16..24].copy_from_slice(&seq.to_le_bytes());
        bytes[24..32].copy_from_slice(&boot);
        let checksum = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8], boot: [u8; 8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let number = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        if crc32fast::hash(&bytes[..32]).to_le_bytes() != bytes[32..] {
            return None;
        }
        let is_sure = boot != [0; 8] && bytes[24..32] == boot;
        Some(Self { epoch: Epoch::from_bits(number(0)?), commits: number(8)?, seq: number(16)?, is_sure })
    }
}

impl Witness {
    /// Notes that all up to a commit is about to be answered for, with `seq` the last message.
    pub(crate) fn note(&mut self, epoch: Epoch, commits: u64, seq: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&Sight::write(epoch, commits, seq, self.boot))
    }
}

/// Names this run of the machine; all zero where that is not known.
fn boot() -> [u8; 8] {
    let id = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if id.is_empty() {
        return [0; 8];
    }
    let (front, back) = id.split_at(id.len() / 2);
    let (front, back) = (crc32fast::hash(front), crc32fast::hash(back));
    (u64::from(front) << 32 | u64::from(back) | 1).to_le_bytes()
}
