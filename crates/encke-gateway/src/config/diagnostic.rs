//! What is wrong with a configuration, said so that it can be mended.

use std::{fmt, ops::Range};

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is the default.
    Default,
    /// In this other table, which holds where this one says nothing.
    Inherited(&'static str),
    /// At these bytes of the file.
    File(Range<usize>),
    /// In the environment variable of this name.
    Variable(String),
    /// By this flag of the command line.
    Flag(&'static str),
}

/// A configuration file: its name as the operator gave it, and its text.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

/// What was found while reading: where, what is wrong, and what would be right.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) at: Place,
    pub(super) wrong: String,
    pub(super) right: String,
}

/// One thing to mend, or to think about, in a configuration.
///
/// Its `Display` names the place (`file:line:column`, the environment variable, or the flag), says what is wrong and
/// what would be right, and shows the line with a caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    location: String,
    excerpt: Option<Excerpt>,
    severity: &'static str,
    wrong: String,
    right: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    number: usize,
    line: String,
    caret: String,
}

impl Diagnostic {
    pub(super) fn error(finding: Finding, file: Option<&File>) -> Self {
        Self::new("error", finding, file)
    }

    pub(super) fn warning(finding: Finding, file: Option<&File>) -> Self {
        Self::new("warning", finding, file)
    }

    fn new(severity: &'static str, finding: Finding, file: Option<&File>) -> Self {
        let Finding { at, wrong, right } = finding;
        let (location, excerpt) = match (&at, file) {
            (Place::File(span), Some(file)) => {
                let (column, excerpt) = Excerpt::new(&file.text, span);
                (format!("{}:{}:{column}", file.name, excerpt.number), Some(excerpt))
            }
            _ => (origin(&at, file), None),
        };
        Self { location, excerpt, severity, wrong, right }
    }

    /// A file that cannot be read at all.
    pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Self {
        Self {
            location: name.to_owned(),
            excerpt: None,
            severity: "error",
            wrong: format!("cannot be read: {error}"),
            right: "name a file that exists, is readable, and is UTF-8".to_owned(),
        }
    }
}

impl Excerpt {
    /// The column (in characters, from 1) at which `span` begins, and its line with the part marked.
    fn new(text: &str, span: &Range<usize>) -> (usize, Self) {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let indent = &before[line_start..];
        let marked = line.get(indent.len()..).unwrap_or_default();
        let marked = marked.get(..span.len()).unwrap_or(marked);
        // Tabs are kept, so that the caret stands below its place however wide the terminal shows them.
        let mut caret: String = indent.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        caret.push_str(&"^".repeat(marked.chars().count().max(1)));
        let number = before.matches('\n').count() + 1;
        (indent.chars().count() + 1, Self { number, line: line.to_owned(), caret })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, excerpt, severity, wrong, right } = self;
        let Some(Excerpt { number, line, caret }) = excerpt else {
            return write!(f, "{location}: {severity}: {wrong}; {right}");
        };
        let number = number.to_string();
        let blank = " ".repeat(number.len());
        writeln!(f, "{location}: {severity}: {wrong}")?;
        writeln!(f, " {blank} |")?;
        writeln!(f, " {number} | {line}")?;
        write!(f, " {blank} | {caret} {right}")
    }
}

/// How `config show --origin` names a place.
pub(super) fn origin(at: &Place, file: Option<&File>) -> String {
    match (at, file) {
        (Place::File(span), Some(file)) => {
            let (_, excerpt) = Excerpt::new(&file.text, span);
            format!("{}:{}", file.name, excerpt.number)
        }
        (Place::Default | Place::File(_), _) => "default".to_owned(),
        (Place::Inherited(from), _) => format!("as {from}"),
        (Place::Variable(name), _) => format!("environment variable {name}"),
        (Place::Flag(name), _) => format!("flag {name}"),
    }
}

/// All that is wrong with a configuration; at least one [`Diagnostic`], those of the file first and in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(Vec<Diagnostic>);

impl Errors {
    pub(super) fn new(mut findings: Vec<Finding>, file: Option<&File>) -> Self {
        findings.sort_by_key(|finding| match &finding.at {
            Place::File(span) => span.start,
            _ => usize::MAX,
        });
        Self(findings.into_iter().map(|finding| Diagnostic::error(finding, file)).collect())
    }

    /// What was found, in the order of the file, and then that of other sources.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl From<Diagnostic> for Errors {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
