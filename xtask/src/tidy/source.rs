//! A Rust file as its tokens: comments and docs are gone, lines are kept, and what only tests see is marked.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Identifier,
    Literal,
    /// Punctuation and brackets.
    Mark,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// First and last line, counted from 1. Only a literal can span several.
    pub(super) lines: (usize, usize),
    /// Inside an item with `#[cfg(test)]`.
    pub(super) test: bool,
}

/// The tokens of `text`, flat and in order.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let stream = TokenStream::from_str(text).map_err(|error| {
        let place = error.span().start();
        format!("line {}: not Rust: {error}", place.line)
    })?;
    let mut tokens = Vec::new();
    flatten(stream, false, &mut tokens);
    Ok(tokens)
}

/// The words of an identifier: `replayCursor`, `ReplayCursor` and `replay_cursor` are all `replay`, `cursor`.
pub(super) fn segments(identifier: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for part in identifier.trim_start_matches("r#").split(|c: char| !c.is_alphabetic()) {
        let letters: Vec<char> = part.chars().collect();
        let mut begin = 0;
        for at in 1..letters.len() {
            let after_lower = letters[at - 1].is_lowercase() && letters[at].is_uppercase();
            let before_lower =
                letters[at].is_uppercase() && letters.get(at + 1).is_some_and(|c| c.is_lowercase());
            if after_lower || before_lower {
                segments.push(letters[begin..at].iter().collect::<String>());
                begin = at;
            }
        }
        segments.push(letters[begin..].iter().collect());
    }
    segments.retain(|segment| !segment.is_empty());
    segments.iter().map(|segment| segment.to_lowercase()).collect()
}

fn flatten(stream: TokenStream, in_test: bool, tokens: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    let mut test = in_test;
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let bang = trees.next_if(|next| matches!(next, TokenTree::Punct(p) if p.as_char() == '!'));
                let attribute = match trees.peek() {
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                        group.stream()
                    }
                    _ => TokenStream::new(),
                };
                if attribute.clone().into_iter().next().is_some_and(|first| first.to_string() == "doc") {
                    trees.next();
                    continue;
                }
                test |= bang.is_none() && is_for_tests(&attribute);
                push(tokens, Kind::Mark, "#".into(), mark.span(), test);
            }
            TokenTree::Punct(mark) => {
                push(tokens, Kind::Mark, mark.to_string(), mark.span(), test);
                if mark.as_char() == ';' {
                    test = in_test;
                }
            }
            TokenTree::Group(group) => {
                let ends_item = group.delimiter() == Delimiter::Brace;
                flatten_group(&group, test, tokens);
                if ends_item {
                    test = in_test;
                }
            }
            TokenTree::Ident(name) => push(tokens, Kind::Identifier, name.to_string(), name.span(), test),
            TokenTree::Literal(value) => push(tokens, Kind::Literal, value.to_string(), value.span(), test),
        }
    }
}

fn flatten_group(group: &Group, test: bool, tokens: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    push(tokens, Kind::Mark, open.into(), group.span_open(), test);
    flatten(group.stream(), test, tokens);
    push(tokens, Kind::Mark, close.into(), group.span_close(), test);
}

fn push(tokens: &mut Vec<Token>, kind: Kind, text: String, span: Span, test: bool) {
    tokens.push(Token { kind, text, lines: (span.start().line, span.end().line), test });
}

fn is_for_tests(attribute: &TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text.starts_with("cfg(test)") || text.starts_with("cfg(all(test,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, usize, bool)> {
        tokens(text).unwrap().into_iter().map(|t| (t.text, t.lines.0, t.test)).collect()
    }

    #[test]
    fn comments_and_docs_are_not_tokens() {
        let text = "//! Docs.\n/// More.\n// A comment.\nstruct A;\n";
        assert_eq!(
            shown(text),
            [("struct".into(), 4, false), ("A".into(), 4, false), (";".into(), 4, false)]
        );
    }

    #[test]
    fn only_what_is_under_cfg_test_is_marked() {
        let text = "#[cfg(test)]\nuse a;\nfn b() {}\n#[cfg(test)]\nmod tests { fn c() {} }\nfn d() {}";
        let names: Vec<_> = shown(text).into_iter().filter(|t| "abcd".contains(&t.0)).collect();
        let expected = [("a", 2, true), ("b", 3, false), ("c", 5, true), ("d", 6, false)];
        assert_eq!(names, expected.map(|(name, line, test)| (name.to_owned(), line, test)));
    }

    #[test]
    fn a_string_keeps_all_its_lines() {
        let tokens = tokens("const A: &str = \"one\ntwo\";").unwrap();
        let literal = tokens.iter().find(|token| token.kind == Kind::Literal).unwrap();
        assert_eq!(literal.lines, (1, 2));
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(tokens("fn a( {").is_err());
    }

    #[test]
    fn identifiers_are_cut_into_words() {
        for name in ["replay_cursor", "ReplayCursor", "replayCursor", "REPLAY_CURSOR", "r#replay_cursor2"] {
            assert_eq!(segments(name), ["replay", "cursor"], "{name}");
        }
        assert_eq!(segments("HTTPBody"), ["http", "body"]);
        assert_eq!(segments("_"), [] as [&str; 0]);
    }
}
