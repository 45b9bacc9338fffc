//! Opening handshakes, frames and commands of WebSocket.

use super::{Case, Expect};

const HANDSHAKE: [(&str, &str); 5] = [
    ("Host", "a"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

pub(super) fn cases() -> Vec<Case> {
    [handshakes(), queries(), frames(), commands()].concat()
}

fn head(line: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{line}\r\n{headers}\r\n")
}

fn handshakes() -> Vec<Case> {
    let line = "GET /ws?channel=a HTTP/1.1";
    let mut cases = Vec::new();
    let mut add = |name: String, line: &str, headers: &[(&str, &str)]| {
        cases.push(Case::new(name, Expect::Problem, head(line, headers)));
    };
    for (index, (name, _)) in HANDSHAKE.iter().enumerate() {
        let mut headers = HANDSHAKE.to_vec();
        headers.remove(index);
        add(format!("a handshake without {name}"), line, &headers);
    }
    let wrong = [
        ("Connection", &["close", "keep-alive", "", "Upgrades", "\"Upgrade\"", "Upgrade websocket"][..]),
        ("Upgrade", &["h2c", "", "web socket", "websocket/13x", "websockets", "\"websocket\""]),
        (
            "Sec-WebSocket-Version",
            &["", "0", "7", "8", "12", "14", "130", "013", "13.0", "+13", "13, 8", "thirteen", "0xd"],
        ),
        (
            "Sec-WebSocket-Key",
            &[
                "",
                "x",
                "dGhlIHNhbXBsZSBub25jZQ",
                "dGhlIHNhbXBsZSBub25jZQ=",
                "dGhlIHNhbXBsZSBub25jZQ===",
                "dGhlIHNhbXBsZSBub25jZR==",
                "dGhlIHNhbXBsZSBub25j",
                "dGhlIHNhbXBsZSBub25jZQAA",
                "dGhlIHNhbXBsZSBub25jZSE=",
                "dGhlIHNhbXBsZSBub2 jZQ==",
                "-GhlIHNhbXBsZSBub25jZQ==",
                "========================",
            ],
        ),
    ];
    for (name, values) in wrong {
        for value in values {
            let changed = HANDSHAKE.map(|(known, right)| (known, if known == name { *value } else { right }));
            add(format!("a handshake with {name}: {value}"), line, &changed);
        }
        let mut twice = HANDSHAKE.to_vec();
        twice.push((name, "x"));
        if name.starts_with("Sec-") {
            add(format!("a handshake with two {name}"), line, &twice);
        }
    }
    for protocols in ["a b", "(a)", "a;b", "a\"", "encke.v1/", "\u{e9}", "encke.v1, a b", "<a>"] {
        let mut headers = HANDSHAKE.to_vec();
        headers.push(("Sec-WebSocket-Protocol", protocols));
        add(format!("a handshake with protocols {protocols}"), line, &headers);
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        add(format!("a handshake by {method}"), &format!("{method} /ws?channel=a HTTP/1.1"), &HANDSHAKE);
    }
    add("a handshake over HTTP/1.0".to_owned(), "GET /ws?channel=a HTTP/1.0", &HANDSHAKE);
    cases
}

fn queries() -> Vec<Case> {
    let many = format!("channel=a{}", "&x".repeat(256));
    let channels: String = (0..129).map(|number| format!("channel=c{number}&")).collect();
    let queries = [
        "channel=",
        "channel=%00",
        "channel=**.a",
        "channel=%FF",
        "channel=%zz",
        "channel=a&since=1",
        "channel=a&since=%FF",
        "channel=a&since=7f3k2q9x-",
        "channel=a&since=-1x",
        &many,
        &channels,
    ];
    let case = |query: &str| {
        Case::new(
            format!("ws {query:.40}"),
            Expect::Problem,
            head(&format!("GET /ws?{query} HTTP/1.1"), &HANDSHAKE),
        )
    };
    queries.into_iter().map(case).collect()
}

/// A frame as a client sends it, with a mask of zeros; `first` is its first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let long = payload.len() as u64;
    let length = match (u8::try_from(long), u16::try_from(long)) {
        (Ok(short @ 0..126), _) => vec![0x80 | short],
        (_, Ok(medium)) => [&[0xFE][..], &medium.to_be_bytes()].concat(),
        _ => [&[0xFF][..], &long.to_be_bytes()].concat(),
    };
    [&[first][..], &length, &[0; 4], payload].concat()
}

fn after_handshake(name: String, expect: Expect, bytes: &[u8]) -> Case {
    let head = head("GET /ws?channel=a HTTP/1.1", &HANDSHAKE);
    Case::new(name, expect, [head.as_bytes(), bytes].concat())
}

fn frames() -> Vec<Case> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        all.push((format!("opcode {opcode}"), frame(0x80 | opcode, b"")));
        all.push((format!("opcode {opcode} with data"), frame(0x80 | opcode, b"x")));
    }
    for reserved in 1..8 {
        all.push((format!("reserved bits {reserved}"), frame(0x81 | reserved << 4, b"x")));
        all.push((format!("a ping with reserved bits {reserved}"), frame(0x89 | reserved << 4, b"x")));
    }
    for opcode in [8, 9, 10] {
        all.push((format!("a fragment of control {opcode}"), frame(opcode, b"")));
        all.push((format!("a long control {opcode}"), frame(0x80 | opcode, &[0; 126])));
        all.push((format!("an unmasked control {opcode}"), vec![0x80 | opcode, 0]));
    }
    for code in [0u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        all.push((format!("close {code}"), frame(0x88, &code.to_be_bytes())));
    }
    all.push(("a close of one byte".to_owned(), frame(0x88, b"x")));
    all.push(("a close with a reason that is not UTF-8".to_owned(), frame(0x88, b"\x03\xE8\xFF")));
    all.push(("an unmasked text".to_owned(), vec![0x81, 1, b'x']));
    all.push(("a continuation of nothing".to_owned(), frame(0x80, b"x")));
    all.push(("a fragment of nothing".to_owned(), frame(0, b"x")));
    all.push(("a message in a message".to_owned(), [frame(1, b"x"), frame(0x81, b"y")].concat()));
    all.push(("a large message".to_owned(), frame(0x81, &[b'x'; (64 << 10) + 1])));
    all.push(("a length of 2^63".to_owned(), [&[0x81, 0xFF, 0x80][..], &[0; 7], &[0; 4]].concat()));
    all.push(("a length of 2^64-1".to_owned(), [&[0x82][..], &[0xFF; 9], &[0; 4]].concat()));
    all.push(("a length of 2^62".to_owned(), [&[0x82, 0xFF, 0x40][..], &[0; 7], &[0; 4]].concat()));
    all.push(("too many fragments".to_owned(), [frame(1, b""), frame(0, b"").repeat(64)].concat()));
    all.push(("too many pings".to_owned(), frame(0x89, b"").repeat(40)));
    all.push(("too many pongs".to_owned(), frame(0x8A, b"").repeat(40)));
    for text in [&b"\xFF"[..], b"\xC0\x80", b"\xED\xA0\x80", b"\xF4\x90\x80\x80", b"a\xC3", b"\xE2\x82"] {
        all.push((format!("text {text:?}"), frame(0x81, text)));
        all.push((format!("text {text:?} in fragments"), [frame(1, text), frame(0x80, b"")].concat()));
    }
    all.into_iter().map(|(name, bytes)| after_handshake(name, Expect::Failed, &bytes)).collect()
}

fn commands() -> Vec<Case> {
    let deep = format!("{{\"type\":\"publish\",\"channel\":\"a\",\"data\":{}", "[".repeat(30_000));
    let digits =
        format!("{{\"type\":\"subscribe\",\"channels\":[\"b\"],\"since\":\"{}\"}}", "9".repeat(50_000));
    let names: Vec<String> = (0..5_000).map(|number| format!("\"c{number}\"")).collect();
    let channels = format!("{{\"type\":\"subscribe\",\"channels\":[{}]}}", names.join(","));
    let places = format!("{{\"type\":\"publish\",\"data\":1,\"channels\":[{}]}}", names.join(","));
    let id = format!("{{\"type\":\"ping\",\"id\":\"{}\"}}", "x".repeat(65));
    let bad = [
        "",
        " ",
        "x",
        "1",
        "null",
        "[]",
        "{",
        "{}",
        "\"ping\"",
        "{\"type\":1}",
        "{\"type\":null}",
        "{\"type\":\"\"}",
        "{\"type\":\"PING\"}",
        "{\"type\":\"nothing\"}",
        "{\"type\":\"ping\"}}",
        "{\"type\":\"ping\",\"id\":{}}",
        "{\"type\":\"ping\",\"id\":1.5}",
        "{\"type\":\"ping\",\"id\":true}",
        "{\"type\":\"ping\",\"id\":99999999999999999999}",
        "{\"type\":\"subscribe\"}",
        "{\"type\":\"subscribe\",\"channels\":[]}",
        "{\"type\":\"subscribe\",\"channels\":\"a\"}",
        "{\"type\":\"subscribe\",\"channels\":[1]}",
        "{\"type\":\"subscribe\",\"channels\":[\"\"]}",
        "{\"type\":\"subscribe\",\"channels\":[\"**.a\"]}",
        "{\"type\":\"subscribe\",\"channels\":[\"\\u0000\"]}",
        "{\"type\":\"subscribe\",\"channels\":[\"b\"],\"since\":1}",
        "{\"type\":\"subscribe\",\"channels\":[\"b\"],\"since\":\"-1x\"}",
        "{\"type\":\"subscribe\",\"channels\":[\"b\"],\"since\":\"\"}",
        "{\"type\":\"unsubscribe\"}",
        "{\"type\":\"unsubscribe\",\"channels\":[]}",
        "{\"type\":\"unsubscribe\",\"channels\":[\"b\"]}",
        "{\"type\":\"publish\"}",
        "{\"type\":\"publish\",\"channel\":\"b\"}",
        "{\"type\":\"publish\",\"data\":1}",
        "{\"type\":\"publish\",\"channel\":\"*\",\"data\":1}",
        "{\"type\":\"publish\",\"channel\":\"b\",\"base64\":\"A\"}",
        "{\"type\":\"publish\",\"channel\":\"b\",\"data\":1,\"key\":\"\"}",
        "{\"type\":\"publish\",\"channel\":\"b\",\"data\":1,\"name\":\"\\n\"}",
        "{\"type\":\"presence\"}",
        "{\"type\":\"ping\",\"type\":\"ping\"}",
        "{'type':'ping'}",
        "\u{feff}{\"type\":\"ping\"}",
        &deep,
        &digits,
        &channels,
        &places,
        &id,
    ];
    let text = bad.into_iter().map(|text| {
        after_handshake(format!("command {text:.60}"), Expect::ErrorFrame, &frame(0x81, text.as_bytes()))
    });
    text.chain([after_handshake(
        "a binary command".to_owned(),
        Expect::ErrorFrame,
        &frame(0x82, b"{\"type\":\"ping\"}"),
    )])
    .collect()
}
