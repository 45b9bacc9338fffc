//! `[logging]`: what the process says of itself.

use tracing::level_filters::LevelFilter;

use super::{
    scalar::{Choice, Scalar, quoted},
    section::{Section, nearest},
};

/// What the process says of itself, on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// What is said.
    pub level: Levels,
    /// How it is written.
    pub format: LogFormat,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: Levels { rest: LevelFilter::INFO, targets: Vec::new() }, format: LogFormat::Text }
    }
}

impl Logging {
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        let d = Self::default();
        Self { level: s.get("level", d.level), format: s.get("format", d.format) }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Choice for LogFormat {
    const ALL: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// Which log lines are written: `"info"`, or with exceptions `"info,encke_ws=debug"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// The level of all but the targets; off where only targets are given.
    pub rest: LevelFilter,
    /// Targets with a level of their own.
    pub targets: Vec<(String, LevelFilter)>,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

fn level(text: &str) -> Result<LevelFilter, Option<String>> {
    match LEVELS.contains(&text).then(|| text.parse()) {
        Some(Ok(level)) => Ok(level),
        _ => Err(nearest(text, LEVELS.into_iter()).map(|word| format!("did you mean {}?", quoted(word)))),
    }
}

impl Scalar for Levels {
    fn right() -> String {
        "a level (off, error, warn, info, debug, trace), also for targets as in \"info,encke_ws=debug\""
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let mut levels = Self { rest: LevelFilter::OFF, targets: Vec::new() };
        for part in text.split(',') {
            match part.trim().split_once('=') {
                Some((target, part)) if !target.is_empty() => {
                    levels.targets.push((target.to_owned(), level(part)?));
                }
                Some(_) => return Err(None),
                None => levels.rest = level(part.trim())?,
            }
        }
        Ok(levels)
    }

    fn show(&self) -> String {
        let target = |(target, level): &(String, LevelFilter)| format!(",{target}={level}");
        quoted(&format!("{}{}", self.rest, self.targets.iter().map(target).collect::<String>()))
    }
}
