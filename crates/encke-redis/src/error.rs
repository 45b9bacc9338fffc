use std::fmt;

/// Why Redis cannot be used. The texts say what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisError {
    /// A URL is not one of a Redis.
    Url(String),
    /// A URL is for TLS, and the process has no cryptography for it.
    NoTls,
    /// The name of the log is empty, or has a brace.
    Name,
    /// It cannot be reached, did not answer in time, or does not let us in.
    Unreachable(String),
    /// What was reached does not take writes: a replica, or none who knows the server that does.
    NotPrimary(String),
    /// It is older than Redis 7.
    TooOld(String),
    /// It is set to evict keys when it is full (`maxmemory-policy`), which would lose messages in silence.
    Evicts(String),
    /// It holds something under the name of the log that is not of this log, or not of this version.
    Foreign(&'static str),
    /// The system gives no random bits for the epoch of a new life.
    NoRandomness,
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "not the URL of a Redis: {why}"),
            Self::NoTls => f.write_str(
                "TLS to Redis needs a CryptoProvider of rustls; install one when the process starts",
            ),
            Self::Name => f.write_str("the name of a log is not empty, and has no braces"),
            Self::Unreachable(why) => write!(f, "Redis cannot be reached: {why}"),
            Self::NotPrimary(why) => write!(f, "no Redis that takes writes: {why}"),
            Self::TooOld(version) => write!(f, "Redis 7 is needed, this is {version}"),
            Self::Evicts(policy) => {
                write!(
                    f,
                    "Redis evicts keys when it is full (maxmemory-policy {policy}); noeviction is needed"
                )
            }
            Self::NoRandomness => f.write_str("the system gives no random bits"),
            Self::Foreign(what) => write!(f, "Redis holds what this version does not understand: {what}"),
        }
    }
}

impl std::error::Error for RedisError {}

/// How a command failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server does not have the script. Nothing was done.
    NoScript,
    /// The server has no memory left. Nothing was done.
    NoSpace,
    /// The server does not do it, or not now. Nothing was done.
    Refused(String),
    /// The server cannot do it, though it is the right one.
    Failed(String),
    /// The connection was lost, or there was no answer in time. Nobody knows whether it was done.
    Lost(String),
}

impl Fault {
    /// The words of a server that is not the right one, or not yet. What it says before it has begun.
    const REFUSALS: [&str; 12] = [
        "ASK",
        "BUSY",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "LOADING",
        "MASTERDOWN",
        "MOVED",
        "NOAUTH",
        "READONLY",
        "TRYAGAIN",
        "UNBLOCKED",
        "WRONGPASS",
    ];

    pub(crate) fn of(error: &redis::RedisError) -> Self {
        match error.code() {
            Some("NOSCRIPT") => Self::NoScript,
            Some("OOM") => Self::NoSpace,
            Some(code) if Self::REFUSALS.contains(&code) => Self::Refused(error.to_string()),
            Some(_) => Self::Failed(error.to_string()),
            None => Self::Lost(error.to_string()),
        }
    }

    pub(crate) fn timed_out() -> Self {
        Self::Lost("it did not answer in time".to_owned())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScript => f.write_str("it lost its scripts"),
            Self::NoSpace => f.write_str("it is out of memory"),
            Self::Refused(why) | Self::Failed(why) | Self::Lost(why) => f.write_str(why),
        }
    }
}

impl From<Fault> for RedisError {
    fn from(fault: Fault) -> Self {
        Self::Unreachable(fault.to_string())
    }
}
