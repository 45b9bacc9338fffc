//! `[engine]`: where order and history live.

use std::path::PathBuf;

use super::{
    limits::COUNTS,
    scalar::{Choice, Scalar, quoted},
    secret::Secret,
    section::{Section, read_nothing},
};

/// Where order and history live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// In this process, and gone with it.
    Memory,
    /// In a folder of this machine.
    Disk {
        /// The folder.
        data: PathBuf,
        /// Whether a publish is answered before it is safe from a loss of power.
        relaxed: bool,
    },
    /// In a Redis that several nodes share.
    Redis(RedisEngine),
}

/// A Redis that several nodes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisEngine {
    /// Where it is: one server, or some nodes of a cluster or sentinels, with commas between them.
    pub urls: Secret,
    /// How it is found there.
    pub mode: RedisMode,
    /// The name of the log: what its keys begin with.
    pub name: String,
    /// How many of the last messages nodes can catch up with at once.
    pub catch_up: usize,
    /// Whether old messages may be read from replicas.
    pub replicas: bool,
    /// Whether to wait for it at the start.
    pub wait: bool,
}

/// How Redis is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisMode {
    /// It is the one server.
    Single,
    /// Its nodes tell.
    Cluster,
    /// Sentinels tell which server is the master of this name.
    Sentinel(String),
}

/// The word after `kind =`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Memory,
    Disk,
    Redis,
}

impl Choice for Kind {
    const ALL: &'static [(&'static str, Self)] =
        &[("memory", Self::Memory), ("disk", Self::Disk), ("redis", Self::Redis)];
}

/// What an answer to a publish promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Strict,
    Relaxed,
}

impl Choice for Durability {
    const ALL: &'static [(&'static str, Self)] = &[("strict", Self::Strict), ("relaxed", Self::Relaxed)];
}

impl Kind {
    fn names_of_others(self) -> Vec<(&'static str, String)> {
        let names = |kind: Self| read_nothing(|s| drop(kind.read(s))).1;
        let all =
            Self::ALL.iter().flat_map(|(_, kind)| names(*kind).into_iter().map(move |name| (name, *kind)));
        all.map(|(name, kind)| {
            (name, format!("`{name}` belongs to `{}`, not to `{}`", kind.word(), self.word()))
        })
        .collect()
    }

    fn read(self, s: &mut Section<'_>) -> Option<Engine> {
        match self {
            Self::Memory => Some(Engine::Memory),
            Self::Disk => {
                let data = s.required::<Folder>("data");
                let durability = s.get("durability", Durability::Strict);
                let Folder(data) = data?;
                Some(Engine::Disk { data, relaxed: durability == Durability::Relaxed })
            }
            Self::Redis => RedisEngine::read(s).map(Engine::Redis),
        }
    }
}

impl Engine {
    /// Reads it. What is set says which it is, unless `kind` does.
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        let likely = match (s.has("data"), s.has("url") || s.has("url_file")) {
            (true, _) => Kind::Disk,
            (false, true) => Kind::Redis,
            (false, false) => Kind::Memory,
        };
        let kind = s.get("kind", likely);
        s.elsewhere(kind.names_of_others());
        kind.read(s).unwrap_or(Self::Memory)
    }
}

impl RedisEngine {
    fn read(s: &mut Section<'_>) -> Option<Self> {
        let urls = Secret::read(s, "url", "url_file", 1);
        let cluster_at = s.place("cluster");
        let mode = match (s.get("cluster", false), s.optional::<Name>("sentinel")) {
            (true, None) => RedisMode::Cluster,
            (false, Some(Name(master))) => RedisMode::Sentinel(master),
            (false, None) => RedisMode::Single,
            (true, Some(_)) => {
                s.wrong(
                    cluster_at,
                    "a Redis has a cluster or sentinels, not both",
                    "leave out `cluster` or `sentinel`",
                );
                return None;
            }
        };
        let Name(name) = s.get("name", Name("encke".to_owned()));
        Some(Self {
            mode,
            name,
            catch_up: s.get_in("catch_up", 100_000, COUNTS),
            replicas: s.get("replicas", false),
            wait: s.get("wait", false),
            urls: urls?,
        })
    }
}

/// The path of a folder.
struct Folder(PathBuf);

impl Scalar for Folder {
    fn right() -> String {
        "the path of a folder".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() { Err(None) } else { Ok(Self(text.into())) }
    }

    fn show(&self) -> String {
        quoted(&self.0.to_string_lossy())
    }
}

/// The name of something in Redis.
struct Name(String);

impl Scalar for Name {
    fn right() -> String {
        "a name of letters, digits, and any of - _ .".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let named = !text.is_empty() && text.len() <= 64 && text.chars().all(fits);
        named.then(|| Self(text.to_owned())).ok_or(None)
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}
