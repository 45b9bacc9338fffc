//! Reading one table of the tree.
//!
//! A setting is asked for by its name, type and default, once. From that one call follow its value, the line of
//! `config show`, the check of its type and range, and the list of names that are valid beside it; there is no second
//! list of keys to keep in step. What nobody asked for is unknown.

use std::ops::RangeInclusive;

use super::{
    diagnostic::{Finding, Place},
    scalar::{Scalar, quoted},
    sources::{Item, Node, Shape, Table, Value},
};

/// What reading brings to light: findings, and the effective settings in the order of reading.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    pub(super) lines: Vec<Line>,
}

/// A line of the effective configuration.
#[derive(Debug)]
pub(super) enum Line {
    /// A table begins: `[log]`, `[[route]]`.
    Header(String),
    /// A key, its value as TOML, and where it was set.
    Setting(String, String, Place),
}

impl Report {
    pub(super) fn wrong(&mut self, at: Place, wrong: impl Into<String>, right: impl Into<String>) {
        self.findings.push(Finding { at, wrong: wrong.into(), right: right.into() });
    }
}

/// A table that is being read.
pub(super) struct Section<'r> {
    /// The dotted path with a dot at its end, or nothing for the root.
    path: String,
    /// What stands before a key in its line: the name of an inline table and a dot.
    inline: String,
    at: Place,
    table: Table,
    known: Vec<&'static str>,
    elsewhere: Vec<(&'static str, String)>,
    /// What is recorded as the place of a default.
    default_at: Place,
    report: &'r mut Report,
}

/// Reads the whole tree with `read`.
pub(super) fn read_root<R>(tree: Table, report: &mut Report, read: impl FnOnce(&mut Section<'_>) -> R) -> R {
    let root = Section::new(String::new(), Place::Default, tree, report);
    root.read(read)
}

/// Reads an empty table: what `read` makes of the defaults, and the names that it asks for.
pub(super) fn read_nothing<R>(read: impl FnOnce(&mut Section<'_>) -> R) -> (R, Vec<&'static str>) {
    let mut report = Report::default();
    let mut section = Section::new(String::new(), Place::Default, Table::new(), &mut report);
    let result = read(&mut section);
    (result, section.known)
}

impl<'r> Section<'r> {
    fn new(path: String, at: Place, table: Table, report: &'r mut Report) -> Self {
        let (known, elsewhere) = (Vec::new(), Vec::new());
        Self { path, inline: String::new(), at, table, known, elsewhere, default_at: Place::Default, report }
    }

    fn read<R>(mut self, read: impl FnOnce(&mut Self) -> R) -> R {
        let result = read(&mut self);
        self.refuse_the_rest();
        result
    }

    /// The single value of `key`, or `default`.
    pub(super) fn get<T: Scalar>(&mut self, key: &'static str, default: T) -> T {
        self.get_where(key, default, |_| None)
    }

    /// The single value of `key`, or `default`; it must lie within `range`.
    pub(super) fn get_in<T>(&mut self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: Scalar + PartialOrd,
    {
        let outside = || format!("it must be from {} to {}", range.start().show(), range.end().show());
        self.get_where(key, default, |value| (!range.contains(value)).then(outside))
    }

    fn get_where<T: Scalar>(
        &mut self,
        key: &'static str,
        default: T,
        refuse: impl Fn(&T) -> Option<String>,
    ) -> T {
        let value = self.take(key).and_then(|node| {
            let at = node.at.clone();
            let value = self.scalar::<T>(key, node)?;
            if let Some(right) = refuse(&value) {
                let wrong = format!("`{}{key}` cannot be {}", self.path, value.show());
                self.report.wrong(at, wrong, right);
                return None;
            }
            self.record(key, value.show(), at);
            Some(value)
        });
        value.unwrap_or_else(|| {
            self.record(key, default.show(), self.default_at.clone());
            default
        })
    }

    /// The single value of `key`, if it is set.
    pub(super) fn optional<T: Scalar>(&mut self, key: &'static str) -> Option<T> {
        let node = self.take(key)?;
        let at = node.at.clone();
        let value = self.scalar::<T>(key, node)?;
        self.record(key, value.show(), at);
        Some(value)
    }

    /// The single value of `key`, which must be set.
    pub(super) fn required<T: Scalar>(&mut self, key: &'static str) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            let wrong = format!("`{}{key}` is missing", self.path);
            self.report.wrong(self.at.clone(), wrong, format!("it must be {}", T::right()));
            return None;
        }
        self.optional(key)
    }

    /// The values of the list `key`, or `default`.
    pub(super) fn list<T: Scalar>(&mut self, key: &'static str, default: Vec<T>) -> Vec<T> {
        match self.take(key) {
            Some(node) => self.read_list(key, node).unwrap_or(default),
            None => {
                self.record(key, show_list(&default), self.default_at.clone());
                default
            }
        }
    }

    /// The values of the list `key`, which must have one at least, if it is set.
    pub(super) fn nonempty_list<T: Scalar>(&mut self, key: &'static str) -> Option<Vec<T>> {
        let node = self.take(key)?;
        let at = node.at.clone();
        let list = self.read_list(key, node)?;
        if list.is_empty() {
            let wrong = format!("`{}{key}` cannot be empty", self.path);
            self.report.wrong(at, wrong, format!("it must be a list: [..], each {}", T::right()));
            return None;
        }
        Some(list)
    }

    /// The values of a list; `None` if one is wrong, or it is no list.
    fn read_list<T: Scalar>(&mut self, key: &'static str, node: Node) -> Option<Vec<T>> {
        let Node { at, value } = node;
        let nodes = match value {
            Value::List(nodes) => nodes,
            Value::Scalar(Shape::Outside, text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let part = |text: &str| Value::Scalar(Shape::Outside, text.to_owned());
                parts.map(|text| Node { at: at.clone(), value: part(text) }).collect()
            }
            other => {
                let wrong = format!("`{}{key}` cannot be {}", self.path, found(&other));
                self.report.wrong(at, wrong, format!("it must be a list: [..], each {}", T::right()));
                return None;
            }
        };
        // Each is read, so that each error is found.
        let list: Vec<Option<T>> = nodes.into_iter().map(|node| self.scalar(key, node)).collect();
        let list: Vec<T> = list.into_iter().collect::<Option<_>>()?;
        self.record(key, show_list(&list), at);
        Some(list)
    }

    /// Reads the table `key`, empty if it is not there.
    pub(super) fn section<R>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> R) -> R {
        let name = format!("{}{key}", self.path);
        let table = self.take_table(key, &format!("it must be a table: [{name}]"));
        let (at, table) = table.unwrap_or_else(|| (self.at.clone(), Table::new()));
        self.report.lines.push(Line::Header(format!("[{name}]")));
        Section::new(format!("{name}."), at, table, self.report).read(read)
    }

    /// Reads the small table `key`, shown as `key.name = value` within this one; empty if it is not there, `None` if it
    /// is no table.
    pub(super) fn inline<R>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> R,
    ) -> Option<R> {
        let (at, table) = self.take_table(key, &format!("it must be a table: {key} = {{ .. }}"))?;
        let mut section = Section::new(format!("{}{key}.", self.path), at, table, self.report);
        section.inline = format!("{key}.");
        Some(section.read(read))
    }

    /// Reads each table of the list `key`.
    pub(super) fn tables<R>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_>) -> R,
    ) -> Vec<R> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let name = format!("{}{key}", self.path);
        let right = format!("it must be tables, each after a line [[{name}]] in the file");
        let Value::List(nodes) = node.value else {
            let wrong = format!("`{name}` cannot be {}", found(&node.value));
            self.report.wrong(node.at, wrong, right);
            return Vec::new();
        };
        let mut results = Vec::with_capacity(nodes.len());
        for Node { at, value } in nodes {
            match value {
                Value::Table(table) => {
                    self.report.lines.push(Line::Header(format!("[[{name}]]")));
                    results.push(Section::new(format!("{name}."), at, table, self.report).read(&mut read));
                }
                other => {
                    let wrong = format!("`{name}` cannot hold {}", found(&other));
                    self.report.wrong(at, wrong, right.clone());
                }
            }
        }
        results
    }

    /// Reads keys whose defaults are the values of another table.
    pub(super) fn inherit<R>(&mut self, from: &'static str, read: impl FnOnce(&mut Self) -> R) -> R {
        self.default_at = Place::Inherited(from);
        let result = read(self);
        self.default_at = Place::Default;
        result
    }

    /// Names that are valid here though nobody asks for them.
    pub(super) fn also_known(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// Whether nothing is set that was not yet read.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether `key` is set and not yet read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where `key` is set, or else where the table begins.
    pub(super) fn place(&self, key: &str) -> Place {
        self.table.get(key).map_or_else(|| self.at.clone(), |item| item.node.at.clone())
    }

    /// Reports something wrong at `at`.
    pub(super) fn wrong(&mut self, at: Place, wrong: impl Into<String>, right: impl Into<String>) {
        self.report.wrong(at, wrong, right);
    }

    /// Refuses `key`, which is known but has no meaning beside another setting.
    pub(super) fn refuse(&mut self, key: &'static str, because: &str) {
        if let Some(item) = self.table.remove(key) {
            let wrong = format!("`{}{key}` has no meaning {because}", self.path);
            self.report.wrong(item.key, wrong, "remove one of the two");
        }
    }

    /// Names that are valid in other tables of this sort, each with why it is not valid here.
    pub(super) fn elsewhere(&mut self, names: Vec<(&'static str, String)>) {
        self.elsewhere = names;
    }

    /// Drops what is unread: something else is wrong, and without it nothing can be said about the rest.
    pub(super) fn forget_the_rest(&mut self) {
        self.table.clear();
    }

    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        self.table.remove(key).map(|item| item.node)
    }

    fn take_table(&mut self, key: &'static str, right: &str) -> Option<(Place, Table)> {
        match self.take(key) {
            None => Some((self.at.clone(), Table::new())),
            Some(Node { at, value: Value::Table(table) }) => Some((at, table)),
            Some(Node { at, value }) => {
                let wrong = format!("`{}{key}` cannot be {}", self.path, found(&value));
                self.report.wrong(at, wrong, right);
                None
            }
        }
    }

    fn scalar<T: Scalar>(&mut self, key: &str, node: Node) -> Option<T> {
        let hint = match &node.value {
            Value::Scalar(shape, text) if *shape == Shape::Outside || T::fits(*shape) => match T::parse(text)
            {
                Ok(value) => return Some(value),
                Err(hint) => hint,
            },
            _ => None,
        };
        let wrong = format!("`{}{key}` cannot be {}", self.path, found(&node.value));
        self.report.wrong(node.at, wrong, hint.unwrap_or_else(|| format!("it must be {}", T::right())));
        None
    }

    fn record(&mut self, key: &str, value: String, at: Place) {
        self.report.lines.push(Line::Setting(format!("{}{key}", self.inline), value, at));
    }

    fn refuse_the_rest(mut self) {
        for (key, Item { key: at, .. }) in std::mem::take(&mut self.table) {
            let elsewhere = self.elsewhere.iter().find(|(name, _)| *name == key);
            let (wrong, right) = match elsewhere {
                Some((_, because)) => (because.clone(), "remove it, or change the kind".to_owned()),
                None => (format!("unknown key `{}{key}`", self.path), self.suggestion(&key, &at)),
            };
            self.report.wrong(at, wrong, right);
        }
    }

    /// The nearest valid name, spelled as at that place; or all of them, if none is near.
    fn suggestion(&self, key: &str, at: &Place) -> String {
        let spell = |name: &str| match at {
            Place::Variable(_) => {
                format!("`ENCKE_{}`", format!("{}{name}", self.path).replace('.', "__").to_uppercase())
            }
            _ => format!("`{name}`"),
        };
        match nearest(key, self.known.iter().copied()) {
            Some(name) => format!("did you mean {}?", spell(name)),
            None => {
                let names: Vec<String> = self.known.iter().map(|name| spell(name)).collect();
                format!("valid here: {}", names.join(", "))
            }
        }
    }
}

/// The one of `names` that `text` was most likely meant to be, if any is near: a third of its letters may be wrong.
pub(super) fn nearest<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(&text.to_lowercase(), name);
    let near = names.map(|name| (distance(&name), name)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, name)| *distance <= 1 + name.len() / 3).map(|(_, name)| name)
}

fn show_list<T: Scalar>(list: &[T]) -> String {
    format!("[{}]", list.iter().map(T::show).collect::<Vec<_>>().join(", "))
}

/// What stands there instead, for messages.
fn found(value: &Value) -> String {
    match value {
        Value::Scalar(Shape::Text | Shape::Outside, text) => quoted(text),
        Value::Scalar(_, text) => text.clone(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}
