use encke::{ChannelName, Pattern, Selector, Since};
use encke_wire::{parse_since, write_time};

use super::split_line;

/// `since`: what is read says the same when it is written.
///
/// # Panics
/// If it does not.
pub fn since(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_since(text) {
        Err(_) => {}
        Ok(Since::After(cursor)) => assert_eq!(cursor.to_string(), text, "one spelling for each cursor"),
        Ok(Since::At(time)) => {
            let mut written = Vec::new();
            write_time(time, &mut written);
            let written = String::from_utf8(written).expect("a time is ASCII");
            assert_eq!(parse_since(&written), Ok(Since::At(time)), "{text} was written as {written}");
        }
        Ok(since) => {
            let word = matches!(text, "earliest" | "latest" | "0");
            assert!(word || text.starts_with('-') && text.len() <= 40, "{text} is {since:?}");
        }
    }
}

/// A pattern, a line end, and a name: both are judged by their rules, and the match as a naive matcher does.
///
/// # Panics
/// If one is not.
pub fn channels(data: &[u8]) {
    let (pattern, name) = split_line(data);
    let (Ok(pattern), Ok(name)) = (std::str::from_utf8(pattern), std::str::from_utf8(name)) else { return };
    let is_plain = |text: &str| {
        let control = |c: char| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}');
        (1..=255).contains(&text.len()) && !text.contains(control)
    };
    let segments = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (patterns, names) = (segments(pattern), segments(name));
    let wild = |segments: &[String]| segments.iter().any(|segment| segment == "*" || segment == "**");
    let rest_only_last = !patterns[..patterns.len() - 1].iter().any(|segment| segment == "**");

    let read = Pattern::new(pattern);
    assert_eq!(read.is_ok(), is_plain(pattern) && rest_only_last, "the pattern {pattern:?}");
    let known = ChannelName::new(name);
    assert_eq!(known.is_ok(), is_plain(name) && !wild(&names), "the name {name:?}");
    if let Ok(selector) = Selector::new(pattern) {
        assert_eq!((selector.as_str(), matches!(selector, Selector::Pattern(_))), (pattern, wild(&patterns)));
    }
    if let (Ok(read), Ok(known)) = (read, known) {
        // What belongs to somebody is only meant by who says so.
        let owned = name.starts_with(['@', '$']) && matches!(&*patterns[0], "*" | "**");
        assert_eq!(read.matches(&known), !owned && matches(&patterns, &names), "{pattern:?} on {name:?}");
    }
}

fn matches(patterns: &[String], names: &[String]) -> bool {
    match (patterns, names) {
        ([], []) => true,
        ([last], [_, ..]) if last == "**" => true,
        ([first, patterns @ ..], [name, names @ ..]) => {
            (first == "*" || first == name) && matches(patterns, names)
        }
        _ => false,
    }
}
