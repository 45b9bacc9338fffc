//! Good requests, changed by chance (from a fixed seed).

use std::collections::HashSet;

use super::{Case, Expect};

const SEED: u64 = 42;
const COUNT: usize = 8_000;

const GOOD: [&str; 7] = [
    "GET /poll?channel=a&since=-20&limit=5&order=desc HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/\"7f3k2q9x-1\"\r\n\r\n",
    "GET /longpoll?channel=a&since=7f3k2q9x-1&wait=1&linger=2 HTTP/1.1\r\nHost: a\r\nPrefer: wait=1\r\n\r\n",
    "GET /sse?channel=a.*&last_event_id=-5m HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7f3k2q9x-1\r\nAccept: text/event-stream\r\n\r\n",
    "GET /iframe?channel=%C3%A9&callback=a.b HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\r\n",
    "POST /publish?channel=a&name=n&key=k HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"a\":[1,2]}\n",
    "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n\
     b\r\n{\"data\":1}\n\r\n0\r\n\r\n",
    "GET /ws?channel=a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x01\x00",
];

pub(super) fn cases() -> Vec<Case> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut known = HashSet::new();
    while known.len() < COUNT {
        let mut bytes = GOOD[random.usize(..GOOD.len())].as_bytes().to_vec();
        for _ in 0..random.usize(1..4) {
            change(&mut bytes, &mut random);
        }
        known.insert(bytes);
    }
    let case = |bytes: Vec<u8>| {
        Case::new(String::from_utf8_lossy(&bytes).escape_debug().to_string(), Expect::Survived, bytes)
    };
    known.into_iter().map(case).collect()
}

fn change(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let at = random.usize(..bytes.len());
    let end = (at + random.usize(1..20)).min(bytes.len());
    match random.u8(..5) {
        0 => bytes[at] = random.u8(..),
        1 => bytes[at] ^= 1 << random.u8(..8),
        2 => bytes.insert(at, random.u8(..)),
        3 => drop(bytes.drain(at..end)),
        _ => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
    }
    if bytes.is_empty() {
        bytes.push(b'x');
    }
}
