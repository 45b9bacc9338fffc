use std::borrow::Cow;

use encke_client::{Item, Received, ReceivedGap, ReceivedMessage};

/// How items are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The envelope as it came.
    Json,
    /// Time, channel, name and data.
    Text {
        /// With the colours of ANSI terminals.
        colour: bool,
    },
}

const DIM: &str = "2";
const CYAN: &str = "36";
const GREEN: &str = "32";
const RED: &str = "31";

/// The line of an item; checkpoints have none.
pub(super) fn line(item: &Item, format: Format) -> Option<String> {
    let line = match (&item.received, format) {
        (Received::Checkpoint { .. } | Received::Unknown, _) => return None,
        (_, Format::Json) => item.json.replace(['\n', '\r'], " "),
        (Received::Message(message), Format::Text { colour }) => text(message, colour),
        (Received::Gap(gap), Format::Text { colour }) => missing(gap, colour),
        (Received::Subscribed { channel, .. }, Format::Text { colour }) => {
            paint(DIM, &format!("-- {channel} is followed too"), colour)
        }
        (Received::Unsubscribed { channel }, Format::Text { colour }) => {
            paint(RED, &format!("-- {channel} is followed no longer"), colour)
        }
        _ => return None,
    };
    Some(line + "\n")
}

fn text(message: &ReceivedMessage, colour: bool) -> String {
    // The day is known to who watches; the whole time is in the envelope.
    let time = message.time.split_once('T').map_or(message.time.as_str(), |(_, time)| time);
    let mut line = format!("{} {}", paint(DIM, time, colour), paint(CYAN, &message.channel, colour));
    if let Some(name) = &message.name {
        line.push(' ');
        line.push_str(&paint(GREEN, name, colour));
    }
    line.push(' ');
    match message.data.as_str() {
        Some(text) => line.push_str(&visible(text)),
        None => line.push_str(&visible(&message.data.to_string())),
    }
    line
}

fn missing(gap: &ReceivedGap, colour: bool) -> String {
    let ReceivedGap { channel, from, to, reason } = gap;
    paint(RED, &format!("-- gap in {channel}: after {from} up to {to} ({reason})"), colour)
}

fn paint(code: &str, text: &str, colour: bool) -> String {
    let text = visible(text);
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into_owned() }
}

/// Control characters as `\u{..}`: what others publish must not steer a terminal, nor begin a line.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => out.extend(control.escape_unicode()),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(json: &str) -> Item {
        Item { received: Received::parse(json).unwrap(), json: json.to_owned() }
    }

    fn message(data: &str) -> Item {
        item(&format!(
            r#"{{"type":"message","channel":"news","seq":2,"prev":1,"cursor":"7f3k2q9x-2",
            "time":"2026-11-21T08:41:00.123Z","name":"tick","data":{data}}}"#
        ))
    }

    const PLAIN: Format = Format::Text { colour: false };

    #[test]
    fn a_message_is_a_line_whatever_is_in_it() {
        let printed = |data: &str| line(&message(data), PLAIN).unwrap();
        assert_eq!(printed(r#"{"a": 1}"#), "08:41:00.123Z news tick {\"a\":1}\n");
        assert_eq!(printed(r#""hello""#), "08:41:00.123Z news tick hello\n");
        assert_eq!(printed(r#""a\nb\u001b[2Jc\u009b""#), "08:41:00.123Z news tick a\\nb\\u{1b}[2Jc\\u{9b}\n");
        let json = line(&message("1"), Format::Json).unwrap();
        assert_eq!(json.find('\n'), Some(json.len() - 1));
        assert!(json.starts_with(r#"{"type":"message","channel":"news""#));
    }

    #[test]
    fn a_gap_is_seen_and_a_checkpoint_is_not() {
        let json =
            r#"{"type":"gap","channel":"news","from":"7f3k2q9x-1","to":"7f3k2q9x-5","reason":"trimmed"}"#;
        let text = "-- gap in news: after 7f3k2q9x-1 up to 7f3k2q9x-5 (trimmed)\n";
        assert_eq!(line(&item(json), PLAIN).as_deref(), Some(text));
        assert_eq!(line(&item(json), Format::Json), Some(format!("{json}\n")));
        let checkpoint = item(r#"{"type":"checkpoint","cursor":"7f3k2q9x-5"}"#);
        assert_eq!(line(&checkpoint, PLAIN), None);
        assert_eq!(line(&checkpoint, Format::Json), None);
        let lost = item(r#"{"type":"unsubscribed","channel":"news"}"#);
        assert_eq!(line(&lost, PLAIN).as_deref(), Some("-- news is followed no longer\n"));
    }

    #[test]
    fn colours_are_for_terminals() {
        let coloured = line(&message("1"), Format::Text { colour: true }).unwrap();
        assert_eq!(
            coloured,
            "\u{1b}[2m08:41:00.123Z\u{1b}[0m \u{1b}[36mnews\u{1b}[0m \u{1b}[32mtick\u{1b}[0m 1\n"
        );
    }
}
