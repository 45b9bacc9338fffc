//! The three sources beside the defaults, merged into one tree whose every value knows where it was set.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::diagnostic::{Diagnostic, Errors, File, Finding, Place};

const PREFIX: &str = "ENCKE_";

/// Variables with the prefix that are not settings: the command line reads the first two, and Kubernetes puts the
/// others into every container that stands beside a service with the name `encke`.
const NOT_SETTINGS: [&str; 6] = ["CONFIG", "URL", "PORT", "PORT_*", "SERVICE_HOST", "SERVICE_PORT*"];

/// What a configuration is read from. Later wins: defaults, the file, the environment, flags.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub(super) file: Option<File>,
    variables: Vec<(String, String)>,
    flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// No source at all: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the TOML file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or is not UTF-8.
    pub fn file(self, path: &Path) -> Result<Self, Errors> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Ok(self.text(&name, &text)),
            Err(error) => Err(Diagnostic::unreadable(&name, &error).into()),
        }
    }

    /// With TOML `text`, called `name` in messages.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.file = Some(File { name: name.to_owned(), text: text.to_owned() });
        self
    }

    /// With the settings among `variables` (of [`std::env::vars_os`]): `ENCKE_LOG__RETENTION__COUNT` is `count` of
    /// `[log.retention]`. Numbers and switches are written as in TOML, texts without quotes, lists with commas.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text = |os: OsString| os.to_string_lossy().into_owned();
        let settings = variables.into_iter().map(|(name, value)| (text(name), text(value)));
        self.variables.extend(settings.filter(|(name, _)| is_setting(name)));
        self.variables.sort();
        self
    }

    /// With `value` for the setting `key` (dotted), given by the `flag` of the command line.
    #[must_use]
    pub fn flag(mut self, flag: &'static str, key: &'static str, value: &str) -> Self {
        self.flags.push((flag, key, value.to_owned()));
        self
    }

    /// The sources as one tree.
    pub(super) fn tree(&self) -> Result<Table, Vec<Finding>> {
        let mut tree = match &self.file {
            Some(file) => parse(&file.text)?,
            None => Table::new(),
        };
        for (name, value) in &self.variables {
            let path = name[PREFIX.len()..].to_lowercase();
            let path: Vec<&str> = path.split("__").collect();
            insert(&mut tree, &path, value, &Place::Variable(name.clone()));
        }
        for (flag, key, value) in &self.flags {
            let path: Vec<&str> = key.split('.').collect();
            insert(&mut tree, &path, value, &Place::Flag(flag));
        }
        Ok(tree)
    }
}

fn is_setting(variable: &str) -> bool {
    variable.strip_prefix(PREFIX).is_some_and(|name| {
        !NOT_SETTINGS.iter().any(|other| match other.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *other,
        })
    })
}

/// A table of the merged tree.
pub(super) type Table = BTreeMap<String, Item>;

/// A key with its value.
#[derive(Debug)]
pub(super) struct Item {
    /// Where the key stands.
    pub(super) key: Place,
    pub(super) node: Node,
}

/// A value and where it was set.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    /// Any single value, as text.
    Scalar(Shape, String),
    List(Vec<Node>),
    Table(Table),
}

/// How a single value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A TOML string.
    Text,
    /// A TOML integer, in decimal.
    Whole,
    /// `true` or `false`.
    Switch,
    /// A TOML float or date, which no setting is.
    Other,
    /// From the environment or a flag, where everything is text.
    Outside,
}

fn parse(text: &str) -> Result<Table, Vec<Finding>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(convert_table(table.into_inner()));
    }
    let finding = |error: &toml::de::Error| Finding {
        at: Place::File(error.span().unwrap_or(0..0)),
        wrong: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
        right: "correct the syntax; see https://toml.io".to_owned(),
    };
    Err(errors.iter().map(finding).collect())
}

fn convert_table(table: DeTable<'_>) -> Table {
    let item = |(key, value): (Spanned<_>, _)| {
        let at = Place::File(key.span());
        (String::from(key.into_inner()), Item { key: at, node: convert(value) })
    };
    table.into_iter().map(item).collect()
}

fn convert(value: Spanned<DeValue<'_>>) -> Node {
    let at = Place::File(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Scalar(Shape::Text, text.into_owned()),
        DeValue::Integer(number) => {
            let decimal = i128::from_str_radix(number.as_str(), number.radix());
            Value::Scalar(Shape::Whole, decimal.map_or_else(|_| number.to_string(), |n| n.to_string()))
        }
        DeValue::Float(number) => Value::Scalar(Shape::Other, number.to_string()),
        DeValue::Boolean(switch) => Value::Scalar(Shape::Switch, switch.to_string()),
        DeValue::Datetime(date) => Value::Scalar(Shape::Other, date.to_string()),
        DeValue::Array(list) => Value::List(list.into_iter().map(convert).collect()),
        DeValue::Table(table) => Value::Table(convert_table(table)),
    };
    Node { at, value }
}

/// Sets the value at `path`. Where the path leads through something that is no table, the tree stays as it is: reading
/// reports that.
fn insert(tree: &mut Table, path: &[&str], text: &str, at: &Place) {
    let Some((key, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        let value = Value::Scalar(Shape::Outside, text.to_owned());
        tree.insert((*key).to_owned(), Item { key: at.clone(), node: Node { at: at.clone(), value } });
        return;
    }
    let empty = || Item { key: at.clone(), node: Node { at: at.clone(), value: Value::Table(Table::new()) } };
    let item = tree.entry((*key).to_owned()).or_insert_with(empty);
    if let Value::Table(table) = &mut item.node.value {
        insert(table, rest, text, at);
    }
}
