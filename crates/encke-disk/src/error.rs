use std::{fmt, io, path::PathBuf};

/// Why a folder could not be opened as the home of a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process works in the folder.
    Locked {
        /// The folder.
        dir: PathBuf,
        /// The other process, if it has left its number.
        pid: Option<u32>,
    },
    /// It is there and is something else: no folder, or a folder or file of somebody else.
    Foreign {
        /// The folder or file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The file was written by another version of encke that keeps its log otherwise.
    Version {
        /// The file.
        file: PathBuf,
        /// The version of its format.
        found: u32,
        /// The version that can be read and written.
        supported: u32,
    },
    /// The file is not what was written to it.
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// There is no space left where the folder is.
    NoSpace {
        /// The folder or file.
        path: PathBuf,
    },
    /// The folder or file could not be made, read or written.
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { dir, pid: Some(pid) } => {
                write!(f, "the folder {} is in use by process {pid}", dir.display())
            }
            Self::Locked { dir, pid: None } => {
                write!(f, "the folder {} is in use by another process", dir.display())
            }
            Self::Foreign { path, what } => write!(f, "{} is not a log of encke: {what}", path.display()),
            Self::Version { file, found, supported } => write!(
                f,
                "{} has format version {found}; this encke reads and writes version {supported}",
                file.display()
            ),
            Self::Damaged { file, what } => write!(f, "{} is damaged: {what}", file.display()),
            Self::NoSpace { path } => write!(f, "no space is left for {}", path.display()),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for DiskError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
