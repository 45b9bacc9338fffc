//! Replays the transcripts of a document against a gateway, and compares every byte.
//!
//! A transcript is a fenced block of the language `http` or `ws`. `>` begins what a client sends, `<` what it gets; with a
//! digit before it (`2>`) on another connection than the first. In a request `Host` and `Content-Length` may be left
//! out. An answer is compared as a whole: its status, each of its headers but those of [`EVERYWHERE`], its body. Of a
//! body that goes on, the next lines are compared; `[end]` is its end. Where the answer is to be 101, the handshake may
//! be left out, and each line after it is a frame. `SIGTERM` begins a drain. What differs from run to run is a hole,
//! such as `{epoch}` or `{time:1}`: any value at its first place, the same one after. All blocks of a document share
//! one gateway and its holes; a block of the language `toml` is the configuration of a new one.

mod frames;
mod holes;
mod parse;

use std::{collections::BTreeMap, time::Duration};

use http::StatusCode;
use tokio::time::{sleep, timeout};

use crate::{PATIENCE, Raw, TestGateway};
use holes::{Holes, Match};
use parse::{Block, Side, Turn, blocks};

/// Headers that may be left out: those of the message's length, and those that every answer carries.
pub const EVERYWHERE: [&str; 6] =
    ["date", "content-length", "transfer-encoding", "cache-control", "vary", "x-content-type-options"];

/// A handshake that may be left out.
const HANDSHAKE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const HANDSHAKE_ANSWER: [&str; 3] = ["connection", "upgrade", "sec-websocket-accept"];

/// Replays a document and returns the number of its transcripts.
///
/// # Panics
/// At the first line that is not so.
pub async fn replay(document: &str, text: &str) -> usize {
    let mut replay = Replay { document, gateway: TestGateway::start(""), holes: Holes::default() };
    let mut count = 0;
    for block in blocks(text) {
        match block {
            Block::Toml(toml) => {
                replay.gateway = TestGateway::start(&toml);
                replay.holes = Holes::default();
            }
            Block::Transcript(turns) => {
                replay.run(&turns).await;
                count += 1;
            }
        }
    }
    count
}

struct Replay<'a> {
    document: &'a str,
    gateway: TestGateway,
    holes: Holes,
}

struct Connection {
    raw: Raw,
    state: State,
}

enum State {
    /// Nothing is asked.
    Idle,
    /// A request waits for its answer; true for HEAD, whose answer has no body.
    Asked(bool),
    /// A body goes on, and this has come of it that is not compared yet.
    Body(String),
    Frames,
}

impl Replay<'_> {
    async fn run(&mut self, turns: &[Turn]) {
        let before = self.gateway.hub().len();
        let mut connections = BTreeMap::new();
        for (index, turn) in turns.iter().enumerate() {
            let connection = match connections.remove(&turn.connection) {
                Some(connection) => connection,
                None => Connection { raw: Raw::connect(self.gateway.address()).await, state: State::Idle },
            };
            let connection = match turn.side {
                Side::Client => self.send(connection, turn, &turns[index + 1..]).await,
                Side::Server => self.receive(connection, turn).await,
                Side::Operator => {
                    self.gateway.begin_stop();
                    connection
                }
            };
            connections.insert(turn.connection, connection);
        }
        drop(connections);
        self.wait(|len| len <= before).await;
    }

    /// Waits for the hub to have as many subscriptions as it should.
    async fn wait(&self, done: impl Fn(usize) -> bool) {
        let wait = async {
            while !done(self.gateway.hub().len()) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("subscriptions come and go");
    }

    async fn send(&self, mut connection: Connection, turn: &Turn, next: &[Turn]) -> Connection {
        if let State::Frames = connection.state {
            for line in &turn.lines {
                connection.raw.send(&frames::of_line(&self.holes.fill(line))).await;
            }
            return connection;
        }
        let answer = next.iter().find(|other| other.connection == turn.connection);
        let upgrades = answer.is_some_and(|answer| answer.lines[0].starts_with("HTTP/1.1 101"));
        let before = self.gateway.hub().len();
        connection.raw.send(self.request(&turn.lines, upgrades).as_bytes()).await;
        connection.state = State::Asked(turn.lines[0].starts_with("HEAD"));
        if next.first().is_some_and(|next| next.connection != turn.connection) {
            // It is held: what happens next happens while it is.
            self.wait(|len| len > before).await;
        }
        connection
    }

    fn request(&self, lines: &[String], upgrades: bool) -> String {
        let mut parts = lines.splitn(2, String::is_empty);
        let mut head = parts.next().unwrap_or_default().to_vec();
        let body = parts.next().unwrap_or_default().join("\n");
        let has = |head: &[String], name: &str| {
            head.iter().any(|line| line.split(':').next().unwrap_or_default().eq_ignore_ascii_case(name))
        };
        let handshake = HANDSHAKE.into_iter().filter(|_| upgrades && !has(&head, "upgrade"));
        let handshake = handshake.map(str::to_owned).collect::<Vec<_>>();
        head.extend(handshake);
        if !has(&head, "host") {
            head.push(format!("Host: {}", self.gateway.address()));
        }
        let body = self.holes.fill(&body);
        if !has(&head, "content-length") && (!body.is_empty() || head[0].starts_with("POST")) {
            head.push(format!("Content-Length: {}", body.len()));
        }
        format!("{}\r\n\r\n{body}", self.holes.fill(&head.join("\r\n")))
    }

    async fn receive(&mut self, mut connection: Connection, turn: &Turn) -> Connection {
        let place = format!("{}:{}", self.document, turn.at);
        match connection.state {
            State::Idle => panic!("{place}: an answer to nothing"),
            State::Frames => self.frames(&mut connection.raw, &place, &turn.lines).await,
            State::Body(body) => {
                connection.state = self.lines(&mut connection.raw, &place, &turn.lines, body).await;
            }
            State::Asked(is_head) => {
                let mut parts = turn.lines.splitn(2, String::is_empty);
                let head = parts.next().unwrap_or_default();
                let body = parts.next().unwrap_or_default();
                connection.state = self.answer(&mut connection.raw, &place, head, body, is_head).await;
            }
        }
        connection
    }

    async fn answer(
        &mut self,
        raw: &mut Raw,
        place: &str,
        head: &[String],
        body: &[String],
        is_head: bool,
    ) -> State {
        let answer = raw.head().await;
        let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
        let status = format!("HTTP/1.1 {} {}", answer.status, reason.unwrap_or_default());
        let mut headers = answer.headers.clone();
        if status != head[0] {
            let body = if is_head { String::new() } else { raw.body(&answer).await };
            panic!("{place}: {status}, not {}\n{body}", head[0]);
        }
        for line in &head[1..] {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            let found = headers.iter().position(|(known, _)| known == name);
            let found =
                found.unwrap_or_else(|| panic!("{place}: there is no header {name}: {:?}", answer.headers));
            self.compare(place, value, &headers.remove(found).1);
        }
        let upgraded = answer.status == 101;
        headers.retain(|(name, _)| !EVERYWHERE.contains(&name.as_str()));
        headers.retain(|(name, _)| !upgraded || !HANDSHAKE_ANSWER.contains(&name.as_str()));
        assert!(headers.is_empty(), "{place}: headers that the transcript has not: {headers:?}");
        if upgraded {
            self.frames(raw, place, body).await;
            State::Frames
        } else if answer.header("transfer-encoding").is_some() && !is_head {
            self.lines(raw, place, body, String::new()).await
        } else {
            let text = if is_head { String::new() } else { raw.body(&answer).await };
            self.compare(place, &body.join("\n"), text.strip_suffix('\n').unwrap_or(&text));
            State::Idle
        }
    }

    async fn frames(&mut self, raw: &mut Raw, place: &str, lines: &[String]) {
        for line in lines {
            let frame = frames::read(raw).await;
            self.compare(place, line, &frame);
        }
    }

    /// Compares the next lines of a body that goes on.
    async fn lines(&mut self, raw: &mut Raw, place: &str, lines: &[String], mut body: String) -> State {
        let ends = lines.last().is_some_and(|line| line == "[end]");
        let lines = &lines[..lines.len() - usize::from(ends)];
        let pattern: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let taken = loop {
            match self.holes.compare(&pattern, &body) {
                Match::Whole(taken) => break taken,
                Match::More => {
                    let chunk = raw.chunk().await;
                    assert!(!chunk.is_empty(), "{place}: the body ended after {body:?}, before {pattern:?}");
                    body.push_str(&String::from_utf8_lossy(&chunk));
                }
                Match::Differs(at) => panic!("{place}: {}", difference(&pattern, &body, at)),
            }
        };
        body.drain(..taken);
        if !ends {
            return State::Body(body);
        }
        let rest = raw.chunk().await;
        assert!(rest.is_empty() && body.is_empty(), "{place}: it goes on: {body}{rest:?}");
        State::Idle
    }

    fn compare(&mut self, place: &str, pattern: &str, text: &str) {
        match self.holes.compare(pattern, text) {
            Match::Whole(taken) if taken == text.len() => {}
            Match::Whole(at) | Match::Differs(at) => panic!("{place}: {}", difference(pattern, text, at)),
            Match::More => panic!("{place}: {}", difference(pattern, text, text.len())),
        }
    }
}

fn difference(expected: &str, text: &str, at: usize) -> String {
    format!("it differs after {} bytes\nexpected {expected}\nfound    {text}", at)
}
