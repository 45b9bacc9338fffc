//! Links in Markdown files that point into the repository point at something: the file, and the heading in it.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::Violation;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let files = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    files.flat_map(|file| in_file(tree, file)).collect()
}

fn in_file(tree: &Tree, file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    for (event, place) in Parser::new(&file.text).into_offset_iter() {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event
            && let Some(reason) = broken(tree, &file.path, &dest_url)
        {
            let line = file.text[..place.start].matches('\n').count() + 1;
            found.push(Violation::new(&file.path, line, format!("the link {dest_url} {reason}")));
        }
    }
    found
}

/// Why a link leads nowhere. Addresses with a scheme and paths of Rust items are not for us to follow.
fn broken(tree: &Tree, from: &str, link: &str) -> Option<&'static str> {
    if link.contains(':') {
        return None;
    }
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let path = if path.is_empty() { from.to_owned() } else { resolve(from, path) };
    let Some(file) = tree.file(&path) else {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let exists = path.is_empty() || tree.files.iter().any(|file| file.path.starts_with(&folder));
        return (!exists).then_some("leads to no file; paths are relative to the file that they stand in");
    };
    let known = heading.is_none_or(|heading| !path.ends_with(".md") || headings(file).contains(heading));
    (!known).then_some("names no heading of that file; headings are in small letters, with - for spaces")
}

fn resolve(from: &str, link: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Headings as their anchors: small letters, no punctuation, `-` for spaces.
fn headings(file: &File) -> BTreeSet<String> {
    let mut headings = BTreeSet::new();
    let mut title: Option<String> = None;
    for event in Parser::new(&file.text) {
        match event {
            Event::Start(Tag::Heading { .. }) => title = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => headings.extend(title.take().map(|title| anchor(&title))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(title) = &mut title {
                    title.push_str(&text);
                }
            }
            _ => {}
        }
    }
    headings
}

fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(readme: &str) -> Vec<usize> {
        let files = [("docs/README.md", readme), ("docs/spec/sse.md", "# The wire: `id`\n"), ("LICENSE", "")];
        check(&Tree::with(&files)).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(lines("a\n[b](spec/poll.md) and\n[c](LICENSE)\n\n[d][e]\n\n[e]: ../nowhere\n"), [2, 3, 5]);
    }

    #[test]
    fn headings_that_do_not_exist_are_found() {
        assert_eq!(lines("[a](spec/sse.md#the-wire-id)\n[b](spec/sse.md#the-line)\n[c](#none)\n"), [2, 3]);
    }

    #[test]
    fn good_links_and_code_are_fine() {
        let text = "# Here\n[a](spec/sse.md) [b](../LICENSE) [c](spec/) [d](https://example.org/x) [e](#here) [f](crate::A)\n`[g](nowhere)`\n";
        assert_eq!(lines(text), [] as [usize; 0]);
    }
}
