//! The scripts of a forever-iframe, read as they come.

use std::time::Duration;

use serde_json::{Deserializer, value::RawValue};

use crate::TooLarge;

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Push {
    /// A message or gap: the JSON that the parent page's function gets.
    Item(String),
    /// The place, without a message.
    Place(String),
    /// The frame ends; when to come back. `None`: not at all.
    End(Option<Duration>),
}

/// Reads a frame's document piece by piece, wherever it is cut into pieces.
///
/// It looks for the scripts that a gateway writes, and for nothing else: `m(<item>,"<cursor>")`, `c("<cursor>")`,
/// `z("<cursor>",<milliseconds, or -1>)`.
///
/// ```
/// use encke_client::iframe::{Parser, Push};
///
/// let mut parser = Parser::new(1_000);
/// let mut pushes = Vec::new();
/// parser.feed(br#"<script nonce="x">m({"type":"#, &mut pushes)?;
/// parser.feed(br#""message"},"7f3k2q9x-1")</script>"#, &mut pushes)?;
/// assert_eq!(pushes, [Push::Item(r#"{"type":"message"}"#.to_owned())]);
/// # Ok::<(), encke_client::TooLarge>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// What has come since the last whole script.
    held: Vec<u8>,
    /// How much of it cannot be where a script ends.
    searched: usize,
}

const SCRIPT: &[u8] = b"<script";
const SCRIPT_END: &[u8] = b"</script>";
/// How an item begins that is a text of JSON.
const PARSED: &[u8] = b"JSON.parse(";

impl Parser {
    /// A parser that holds at most `limit` bytes of one script and what stands before it.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, held: Vec::new(), searched: 0 }
    }

    /// Reads the next bytes, and adds what they complete to `pushes`. A script that is none of a gateway's is
    /// passed over; a call with arguments that cannot be read is an item that cannot be read.
    ///
    /// # Errors
    /// [`TooLarge`]: a script has more bytes than the limit. What comes after it means nothing.
    pub fn feed(&mut self, bytes: &[u8], pushes: &mut Vec<Push>) -> Result<(), TooLarge> {
        self.held.extend_from_slice(bytes);
        let mut begin = 0;
        while let Some(end) = find(&self.held[self.searched..], SCRIPT_END) {
            let end = self.searched + end;
            if end - begin > self.limit {
                return Err(TooLarge { limit: self.limit });
            }
            read(&self.held[begin..end], pushes);
            begin = end + SCRIPT_END.len();
            self.searched = begin;
        }
        self.held.drain(..begin);
        // What was found may begin in the last bytes of this piece and end in the next.
        self.searched = self.held.len().saturating_sub(SCRIPT_END.len() - 1);
        if self.held.len() > self.limit { Err(TooLarge { limit: self.limit }) } else { Ok(()) }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Reads what stands before the end of a script.
fn read(bytes: &[u8], pushes: &mut Vec<Push>) {
    let script = find(bytes, SCRIPT).map(|begin| &bytes[begin + SCRIPT.len()..]);
    // The nonce is base64, which has no `>`.
    let script = script.and_then(|script| Some(&script[find(script, b">")? + 1..]));
    let Some(script) = script.map(<[u8]>::trim_ascii) else { return };
    if let [function @ (b'm' | b'c' | b'z'), b'(', arguments @ .., b')'] = script {
        match call(*function, arguments) {
            Some(calls) => pushes.extend(calls),
            // Whoever takes items finds that it is none; passed over, it would be a loss without a word.
            None => pushes.push(Push::Item(String::from_utf8_lossy(arguments).into_owned())),
        }
    }
}

/// The arguments of a call are JSON, one after the other: an array without its brackets. An item may also be a text of
/// JSON that the page parses, where it would be another value as a literal.
fn call(function: u8, arguments: &[u8]) -> Option<Vec<Push>> {
    if let (b'm', Some(text)) = (function, arguments.strip_prefix(PARSED)) {
        let mut texts = Deserializer::from_slice(text).into_iter::<String>();
        let item = texts.next()?.ok()?;
        return text[texts.byte_offset()..].starts_with(b")").then(|| vec![Push::Item(item)]);
    }
    let array = [b"[", arguments, b"]"].concat();
    let arguments: Vec<&RawValue> = serde_json::from_slice(&array).ok()?;
    let first = arguments.first()?.get();
    if function == b'm' {
        return Some(vec![Push::Item(first.to_owned())]);
    }
    let place = Push::Place(serde_json::from_str(first).ok()?);
    if function == b'c' {
        return Some(vec![place]);
    }
    let wait: i64 = serde_json::from_str(arguments.get(1)?.get()).ok()?;
    Some(vec![place, Push::End(u64::try_from(wait).ok().map(Duration::from_millis))])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(
        "<!doctype html><meta charset=\"utf-8\"><title>encke</title><body><script nonce=\"n+/=\">(function(){\n",
        "var at=\"\",wait=1000;\nwindow.m=function(data,cursor){try{parent.handle(data)}finally{seen(cursor)}};\n",
        "})();\n</script>\n<!--          -->\n<script nonce=\"n+/=\">c(\"a-1\")</script>\n",
        "<script nonce=\"n+/=\">m({\"a\":\"\\u003c/script\\u003e \u{2603}\"},\"a-2\")</script>\n",
        "<script nonce=\"n+/=\">m({\"type\":\"gap\"})</script>\n",
        "<script nonce=\"n+/=\">m(JSON.parse(\"{\\\"__proto__\\\":\\\"\\u003c)\\\"}\"),\"a-2\")</script>\n",
        "<script>alert(1)</script><script>m(</script><script>m({)</script>",
        "<script nonce=\"n+/=\">c(\"a-3\")</script>\n<script nonce=\"n+/=\">z(\"a-4\",250)</script>\n",
        "<script nonce=\"n+/=\">z(\"a-5\",-1)</script>\n<script>c(\"a-6\")",
    );

    fn expected() -> Vec<Push> {
        vec![
            Push::Place("a-1".to_owned()),
            Push::Item("{\"a\":\"\\u003c/script\\u003e \u{2603}\"}".to_owned()),
            Push::Item("{\"type\":\"gap\"}".to_owned()),
            Push::Item("{\"__proto__\":\"<)\"}".to_owned()),
            Push::Item("{".to_owned()),
            Push::Place("a-3".to_owned()),
            Push::Place("a-4".to_owned()),
            Push::End(Some(Duration::from_millis(250))),
            Push::Place("a-5".to_owned()),
            Push::End(None),
        ]
    }

    fn read(document: &[u8], cuts: &[usize]) -> Vec<Push> {
        let mut parser = Parser::new(1_000);
        let mut pushes = Vec::new();
        let mut begin = 0;
        for end in cuts.iter().copied().chain([document.len()]) {
            parser.feed(&document[begin..end], &mut pushes).unwrap();
            begin = end;
        }
        pushes
    }

    #[test]
    fn every_split_of_a_document_reads_the_same() {
        let document = DOCUMENT.as_bytes();
        assert_eq!(read(document, &[]), expected());
        for cut in 0..=document.len() {
            assert_eq!(read(document, &[cut]), expected(), "cut at {cut}");
            let near = (cut + 5).min(document.len());
            assert_eq!(read(document, &[cut, near]), expected(), "cut at {cut} and {near}");
        }
        let bytewise: Vec<usize> = (0..document.len()).collect();
        assert_eq!(read(document, &bytewise), expected());
    }

    #[test]
    fn scripts_have_a_limit() {
        let mut pushes = Vec::new();
        let too_large = Err(TooLarge { limit: 20 });
        assert_eq!(Parser::new(20).feed(&[b' '; 21], &mut pushes), too_large);
        assert_eq!(Parser::new(20).feed(b"<script>c(\"a-123456\")</script>", &mut pushes), too_large);
        let many = "<script>c(\"a-1\")</script>".repeat(100);
        assert_eq!(Parser::new(20).feed(many.as_bytes(), &mut pushes), Ok(()));
        assert_eq!(pushes.len(), 100);
    }
}
