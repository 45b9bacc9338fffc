//! The effective configuration, for people.

use std::fmt::Write as _;

use super::{
    diagnostic::{File, origin},
    section::Line,
};

/// Every effective setting, in the order of the file's chapters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Header(String),
    Setting(Setting),
}

/// One effective setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key within its table.
    pub key: String,
    /// The value, as TOML.
    pub value: String,
    /// Where it was set: `default`, `file:line`, `environment variable NAME`, `flag --name`, or `as [table]` for what
    /// follows a setting for all.
    pub origin: String,
}

impl Settings {
    pub(super) fn new(lines: Vec<Line>, file: Option<&File>) -> Self {
        let entry = |line| match line {
            Line::Header(header) => Entry::Header(header),
            Line::Setting(key, value, at) => {
                Entry::Setting(Setting { key, value, origin: origin(&at, file) })
            }
        };
        Self(lines.into_iter().map(entry).collect())
    }

    /// The settings one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Setting(setting) => Some(setting),
            Entry::Header(_) => None,
        })
    }

    /// The configuration as a TOML file that loads as the same one; with `origins`, each line says in a comment where
    /// its value was set.
    #[must_use]
    pub fn to_toml(&self, origins: bool) -> String {
        let mut text = String::new();
        for entry in &self.0 {
            // Writing to a string does not fail.
            let _ = match entry {
                Entry::Header(header) => writeln!(text, "\n{header}"),
                Entry::Setting(Setting { key, value, origin }) if origins => {
                    writeln!(text, "{:<50} # {origin}", format!("{key} = {value}"))
                }
                Entry::Setting(Setting { key, value, .. }) => writeln!(text, "{key} = {value}"),
            };
        }
        text
    }
}
