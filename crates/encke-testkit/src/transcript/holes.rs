//! What differs from run to run: `{epoch}`, `{time:1}`, `{nonce}`, `{number:wait}` and such; and `{any}`, which is whatever
//! comes before the text after it.

use std::collections::BTreeMap;

/// What a hole takes: its kind, the characters, and how many if that is fixed.
type Kind = (&'static str, fn(char) -> bool, Option<usize>);

const KINDS: [Kind; 6] = [
    ("epoch", |c| c.is_ascii_lowercase() || c.is_ascii_digit(), Some(8)),
    ("time", |c| c.is_ascii_digit() || "-:.TZ".contains(c), Some(24)),
    ("nonce", |c| c.is_ascii_hexdigit(), Some(32)),
    ("hash", |c| c.is_ascii_hexdigit(), Some(16)),
    ("number", |c| c.is_ascii_digit(), None),
    ("spaces", |c| c == ' ', None),
];

/// The values that the holes of a document have taken, each at its first place.
#[derive(Clone, Default)]
pub(super) struct Holes(BTreeMap<String, String>);

/// How far a text is what a pattern says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// All of the pattern is there, and takes so many bytes of the text.
    Whole(usize),
    /// The text ends before the pattern does.
    More,
    /// They differ from this byte of the text on.
    Differs(usize),
}

enum Piece<'a> {
    Text(&'a str),
    Hole(&'a str, &'static Kind),
    Any,
}

impl Holes {
    /// The pattern with the values of its holes.
    ///
    /// # Panics
    /// If one has no value yet.
    pub(super) fn fill(&self, pattern: &str) -> String {
        let value = |piece| match piece {
            Piece::Text(text) => text,
            Piece::Any => panic!("{{any}} is for what is received"),
            Piece::Hole(name, _) => {
                self.0.get(name).unwrap_or_else(|| panic!("{{{name}}} has no value yet")).as_str()
            }
        };
        pieces(pattern).into_iter().map(value).collect()
    }

    /// Compares, and gives values to the holes that have none.
    pub(super) fn compare(&mut self, pattern: &str, text: &str) -> Match {
        let mut known = self.0.clone();
        let (mut rest, mut any) = (text, false);
        for piece in pieces(pattern) {
            if std::mem::take(&mut any)
                && let Piece::Text(text) = piece
            {
                let Some(at) = rest.find(text) else { return Match::More };
                rest = &rest[at..];
            }
            let at = text.len() - rest.len();
            let expected = match piece {
                Piece::Any => {
                    any = true;
                    continue;
                }
                Piece::Text(text) => text.to_owned(),
                Piece::Hole(name, _) if known.contains_key(name) => known[name].clone(),
                Piece::Hole(name, (_, fits, length)) => {
                    let run = rest.find(|c| !fits(c)).unwrap_or(rest.len());
                    let taken = length.map_or(run, |length| length.min(run));
                    if taken == 0 || length.is_some_and(|length| taken < length) {
                        return if run == rest.len() { Match::More } else { Match::Differs(at) };
                    }
                    known.insert(name.to_owned(), rest[..taken].to_owned());
                    rest[..taken].to_owned()
                }
            };
            match rest.strip_prefix(expected.as_str()) {
                Some(after) => rest = after,
                None if expected.starts_with(rest) => return Match::More,
                None => return Match::Differs(at + common(rest, &expected)),
            }
        }
        self.0 = known;
        Match::Whole(text.len() - rest.len())
    }
}

/// How many bytes two texts have in common at their beginning.
fn common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest, mut from) = (Vec::new(), pattern, 0);
    while let Some(open) = rest[from..].find('{').map(|open| from + open) {
        let name = rest[open + 1..].split('}').next().unwrap_or_default();
        let kind = KINDS.iter().find(|(kind, ..)| name.split(':').next() == Some(kind));
        let hole = match kind {
            Some(kind) => Piece::Hole(name, kind),
            None if name == "any" => Piece::Any,
            None => {
                from = open + 1;
                continue;
            }
        };
        pieces.push(Piece::Text(&rest[..open]));
        pieces.push(hole);
        (rest, from) = (&rest[open + name.len() + 2..], 0);
    }
    pieces.push(Piece::Text(rest));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_bound_at_first_use_and_compared_after() {
        let mut holes = Holes::default();
        let pattern = r#"{"cursor":"{epoch}-1","n":{number}}"#;
        assert_eq!(holes.compare(pattern, r#"{"cursor":"7f3k2q"#), Match::More);
        assert_eq!(holes.compare(pattern, r#"{"cursor":"7F3k2q9x-1"}"#), Match::Differs(11));
        assert_eq!(holes.compare(pattern, r#"{"curser":""#), Match::Differs(6));
        assert_eq!(holes.compare(pattern, r#"{"cursor":"7f3k2q9x-1","n":42} "#), Match::Whole(30));
        assert_eq!(holes.fill("since={epoch}-{number}"), "since=7f3k2q9x-42");
        assert_eq!(holes.compare("{epoch}", "00000000"), Match::Differs(0));
        assert_eq!(holes.compare("{number}!", "42!"), Match::Whole(3));
        assert_eq!(holes.compare("<{any}--> {number}", "<a-- -->"), Match::More);
        assert_eq!(holes.compare("<{any}--> {number}", "<a-- --> 42"), Match::Whole(11));
    }
}
