//! Small helpers about files and processes.

use std::path::{Path, PathBuf};

use crate::store::Outcome;

/// All files below a directory, with their length, in a fixed order.
pub fn list(dir: &Path) -> Outcome<Vec<(PathBuf, u64)>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            out.extend(list(&entry.path())?);
        } else {
            out.push((entry.path(), entry.metadata()?.len()));
        }
    }
    out.sort();
    Ok(out)
}

/// What the files take on the disk, which is less than their length where they have holes.
pub fn allocated(dir: &Path) -> Outcome<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut sum = 0;
    for (path, _) in list(dir)? {
        sum += std::fs::metadata(path)?.blocks() * 512;
    }
    Ok(sum)
}

/// A directory as it was: every file, its bytes up to the last that is not zero, and its length. What is
/// behind those bytes is only reserved space, and leaving it out keeps large reserved files cheap.
pub struct Image(pub Vec<(PathBuf, Vec<u8>, u64)>);

impl Image {
    pub fn of(dir: &Path) -> Outcome<Self> {
        let mut out = Vec::new();
        for (path, len) in list(dir)? {
            let mut bytes = std::fs::read(&path)?;
            bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1));
            out.push((path.strip_prefix(dir)?.to_owned(), bytes, len));
        }
        Ok(Self(out))
    }

    /// Makes a directory with the same files and no others.
    pub fn restore(&self, dir: &Path) -> Outcome<()> {
        let _ = std::fs::remove_dir_all(dir);
        for (path, bytes, len) in &self.0 {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
            std::fs::write(&path, bytes)?;
            std::fs::OpenOptions::new().write(true).open(&path)?.set_len(*len)?;
        }
        Ok(())
    }
}

/// A line of `/proc/self/status` as a number: how many threads there are, how much memory is taken.
pub fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
