//! From a document to its transcripts.

/// One fenced block of a document that matters here.
pub(super) enum Block {
    /// A configuration: what follows runs on a new gateway.
    Toml(String),
    /// An exchange.
    Transcript(Vec<Turn>),
}

/// Lines in a row by one side of one connection.
pub(super) struct Turn {
    pub(super) connection: char,
    pub(super) side: Side,
    pub(super) lines: Vec<String>,
    /// The line in the document at which it begins, from 1.
    pub(super) at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
    /// Whoever runs the gateway.
    Operator,
}

/// Finds the blocks of a document.
///
/// # Panics
/// If a line of a transcript is none.
pub(super) fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let inside = lines.by_ref().take_while(|(_, line)| *line != "```").collect::<Vec<_>>();
        match language {
            "toml" => blocks.push(Block::Toml(inside.iter().map(|(_, line)| format!("{line}\n")).collect())),
            "http" | "ws" => blocks.push(Block::Transcript(turns(&inside))),
            _ => {}
        }
    }
    blocks
}

fn turns(lines: &[(usize, &str)]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for (index, line) in lines {
        let at = index + 1;
        let (connection, rest) = match line.chars().next() {
            Some(digit) if digit.is_ascii_digit() => (digit, &line[1..]),
            _ => ('1', *line),
        };
        let (side, text) = match rest.split_at(rest.len().min(1)) {
            (">", text) => (Side::Client, text),
            ("<", text) => (Side::Server, text),
            _ if *line == "SIGTERM" => (Side::Operator, ""),
            _ => panic!("line {at} is no part of a transcript: {line}"),
        };
        let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
        match turns.last_mut() {
            Some(turn) if turn.connection == connection && turn.side == side => turn.lines.push(text),
            _ => turns.push(Turn { connection, side, lines: vec![text], at }),
        }
    }
    turns
}
