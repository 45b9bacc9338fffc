//! Queries, paths and header fields that our own code reads.

use super::{Case, Expect};

/// A route, and what else it needs in its query.
const READERS: [(&str, &str); 4] =
    [("/poll", ""), ("/longpoll", ""), ("/sse", ""), ("/iframe", "&callback=handle")];

/// No place in any log, as it stands in a query.
const SINCE: &[&str] = &[
    "-",
    "--1",
    "-1x",
    "-1w",
    "-1.5m",
    "-m",
    "-1e3",
    "-%2B1",
    "-99999999999999999999",
    "-99999999999999999999d",
    "-18446744073709551615d",
    "-+1",
    "1",
    "42",
    "1e3",
    "0x0",
    "%2B1",
    "1.0",
    "NaN",
    "null",
    "now",
    "today",
    "EARLIEST",
    "Latest",
    "earliest,latest",
    "%20earliest",
    "earliest%20",
    "earliest%00",
    "earliest%0a",
    "7f3k2q9x",
    "7f3k2q9x-",
    "7f3k2q9x--1",
    "7f3k2q9x-+1",
    "7f3k2q9x-%2B1",
    "7f3k2q9x-01",
    "7f3k2q9x-1e3",
    "7f3k2q9x-0x1",
    "7f3k2q9x-1-1",
    "7f3k2q9x-18446744073709551616",
    "7f3k2q9x-99999999999999999999",
    "7f3k2q9x-%D9%A1",
    "7F3K2Q9X-1",
    "7f3k2q9i-1",
    "7f3k2q9-1",
    "7f3k2q9xx-1",
    "-1-1",
    "7f3k2q9x_1",
    "7f3k2q9x-1;",
    "%C3%A4%C3%A4%C3%A4%C3%A4-1",
    "{}",
    "[]",
    "%22earliest%22",
    "2026-13-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-11-21T25:00:00Z",
    "2026-11-21",
    "09:00:00Z",
    "1969-12-31T23:59:59Z",
    "-9999-01-01T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "2026-11-21T09:00:00",
    "2026-11-21T09:00:00%2B99:00",
    "%",
    "%f",
    "%zz",
    "%FF",
    "%C3",
    "%ED%A0%80",
];

/// No name of a channel and no pattern.
const CHANNELS: &[&str] = &[
    "",
    "%00",
    "a%00",
    "%00a",
    "%0A",
    "a%0Db",
    "a%09b",
    "%1F",
    "%7F",
    "%C2%85",
    "**.a",
    "a.**.b",
    "**.**",
    "%FF",
    "%C3%28",
    "%C0%80",
    "%E2%82",
    "%F5%80%80%80",
    "%ED%A0%80",
    "%zz",
    "%",
    "a%",
    "a%4",
    "%%41",
    "%u0041",
];

const LIMITS: &[&str] = &[
    "0",
    "-1",
    "%2B1",
    "1001",
    "1e3",
    "1.5",
    "abc",
    "%201",
    "1%20",
    "NaN",
    "0x10",
    "18446744073709551616",
    "%D9%A1",
    "1,2",
    "true",
    "99999999999999999999999999",
    "1%00",
    "%FF",
];

const CALLBACKS: &[&str] = &[
    "1a",
    ".a",
    "a-b",
    "a%20b",
    "a()",
    "a;b",
    "a%3Balert(1)",
    "a%0A",
    "a%00",
    "%3Cscript%3E",
    "a%3C",
    "a[0]",
    "a%22",
    "a'",
    "a%5Cu0041",
    "a/**/",
    "%C3%A9",
    "a%E2%80%A8",
    "CWS%07%0E",
    "a,b",
    "a=b",
    "%FF",
    "a%zz",
    "-",
    "%24%7Ba%7D",
    "a%60",
    "@a",
    "a%2Bb",
];

pub(super) fn cases() -> Vec<Case> {
    [places(), channels(), numbers(), callbacks(), counts(), fields(), listing(), fine()].concat()
}

fn problem(target: &str) -> Case {
    Case::get(Expect::Problem, target, "")
}

fn places() -> Vec<Case> {
    let in_query = READERS.iter().flat_map(|(path, more)| {
        SINCE.iter().map(move |since| problem(&format!("{path}?channel=a{more}&since={since}")))
    });
    let last = SINCE.iter().map(|since| problem(&format!("/sse?channel=a&last_event_id={since}")));
    let plain = SINCE.iter().filter(|since| !since.contains('%'));
    let in_header = plain
        .map(|since| Case::get(Expect::Problem, "/sse?channel=a", &format!("Last-Event-ID: {since}\r\n")));
    let long = "9".repeat(8_000);
    let header =
        |value: &str| Case::get(Expect::Problem, "/sse?channel=a", &format!("Last-Event-ID: {value}\r\n"));
    let odd = ["a\u{e9}", "a, b", &long].map(header);
    in_query
        .chain(last)
        .chain(in_header)
        .chain(odd)
        .chain([problem(&format!("/poll?channel=a&since={long}"))])
        .collect()
}

fn channels() -> Vec<Case> {
    let long = "a".repeat(256);
    let accents = "%C3%A9".repeat(128);
    let names: Vec<&str> = CHANNELS.iter().copied().chain([long.as_str(), accents.as_str()]).collect();
    let of_reader = |(path, more): &(&str, &str)| {
        let mut targets = vec![format!("{path}?x{more}"), format!("{path}?Channel=a{more}")];
        targets.extend(names.iter().map(|name| format!("{path}?channel={name}{more}")));
        targets.extend(names.iter().map(|name| format!("{path}?channel=good&channel={name}{more}")));
        targets
    };
    let mut cases: Vec<Case> = READERS.iter().flat_map(of_reader).map(|target| problem(&target)).collect();
    for name in names.iter().copied().chain(["*", "a.*", "**"]) {
        cases.push(Case::post(Expect::Problem, &format!("/publish?channel={name}"), "", b"1"));
        cases.push(Case::post(Expect::Problem, &format!("/publish?channel=good&channel={name}"), "", b"1"));
        if !name.is_empty() {
            cases.push(problem(&format!("/channels/{name}")));
        }
    }
    let in_header = ["", "a\tb", "a\u{85}", "**.a", long.as_str()];
    let header = |name: &str| Case::get(Expect::Problem, "/by-header", &format!("X-Channel: {name}\r\n"));
    let mut binary = Case::get(Expect::Problem, "/by-header", "X-Channel: ?\r\n");
    let place = binary.bytes.iter().rposition(|byte| *byte == b'?').unwrap();
    binary.bytes[place] = 0xFF;
    cases.extend(in_header.map(header));
    cases.push(binary);
    cases
}

fn numbers() -> Vec<Case> {
    let mut targets = Vec::new();
    for limit in LIMITS {
        targets.push(format!("/poll?channel=a&limit={limit}"));
        targets.push(format!("/longpoll?channel=a&wait=0&limit={limit}"));
        targets.push(format!("/channels?limit={limit}"));
        // Nothing is a good time to wait, and 1001 is a good time to linger.
        let time = if *limit == "0" { "61" } else { limit };
        targets.push(format!("/longpoll?channel=a&wait={time}"));
        let time = if matches!(*limit, "0" | "1001") { format!("5001{limit}") } else { (*limit).to_owned() };
        targets.push(format!("/longpoll?channel=a&wait=0&linger={time}"));
    }
    for order in ["up", "ASC", "desc,asc", "1", "%20asc", "asc%00", "%FF", "newest"] {
        targets.push(format!("/poll?channel=a&order={order}"));
    }
    targets.iter().map(|target| problem(target)).collect()
}

fn callbacks() -> Vec<Case> {
    let long = "a".repeat(65);
    let names = || CALLBACKS.iter().copied().chain([long.as_str()]);
    let bad = names().flat_map(|name| {
        [format!("/jsonp?channel=a&callback={name}"), format!("/iframe?channel=a&callback={name}")]
    });
    let off = ["/poll?channel=a&callback=handle", "/longpoll?channel=a&callback=handle"].map(str::to_owned);
    let origins = ["*", "null", "https://evil.example", "http://a", "javascript:alert(1)"];
    let origins = origins.map(|origin| format!("/iframe?channel=a&origin={origin}"));
    bad.chain(off).chain(origins).map(|target| problem(&target)).collect()
}

fn counts() -> Vec<Case> {
    let many = |pair: &str, count: usize| format!("{pair}&").repeat(count);
    let channels: String = (0..129).map(|number| format!("&channel=c{number}")).collect();
    let mut cases = Vec::new();
    for (path, more) in READERS {
        cases.push(problem(&format!("{path}?channel=a{more}&{}", many("x", 256))));
        cases.push(problem(&format!("{path}?{}channel=a{more}", many("channel=a", 256))));
        cases.push(problem(&format!("{path}?x{more}{channels}")));
    }
    cases.push(Case::post(
        Expect::Problem,
        &format!("/publish?{}channel=a", many("channel=a", 256)),
        "",
        b"1",
    ));
    cases.push(Case::post(Expect::Problem, &format!("/publish?x{channels}"), "", b"1"));
    cases
}

/// Names and keys of messages.
fn fields() -> Vec<Case> {
    let long = "a".repeat(256);
    let bad = ["%00", "%0A", "a%0Db", "%7F", "%FF", "%zz", long.as_str()];
    let query = |field: &str, value: &str| {
        Case::post(Expect::Problem, &format!("/publish?channel=a&{field}={value}"), "", b"1")
    };
    let header = |field: &str, value: &str| {
        Case::post(Expect::Problem, "/publish?channel=a", &format!("{field}: {value}\r\n"), b"1")
    };
    let in_query = bad.into_iter().flat_map(|value| [query("key", value), query("name", value)]);
    let bad = [long.as_str(), "\u{e9}", "a\tb"];
    let in_header =
        bad.into_iter().flat_map(|value| [header("Idempotency-Key", value), header("Encke-Name", value)]);
    in_query.chain(in_header).chain([header("Idempotency-Key", "\"\"")]).collect()
}

fn listing() -> Vec<Case> {
    let patterns = ["**.a", "a.**.b", "%00", "a%0A", "%FF", "%zz"];
    let long = format!("/channels?pattern={}", "a".repeat(256));
    let patterns = patterns.map(|pattern| format!("/channels?pattern={pattern}"));
    patterns
        .into_iter()
        .chain([long, "/channels/none".to_owned(), "/channels?after=%FF".to_owned()])
        .map(|t| problem(&t))
        .collect()
}

/// What looks odd but is right, and must neither be refused nor break anything.
fn fine() -> Vec<Case> {
    let targets = [
        "/poll?channel=a&since=7f3k2q9x-18446744073709551615",
        "/poll?channel=a&since=7f3k2q9x-0",
        "/poll?channel=a&since=-0",
        "/poll?channel=a&since=-18446744073709551615",
        "/poll?channel=a&since=-213503982334601d",
        "/poll?channel=a&since=0",
        "/poll?channel=a&since=9999-12-30T22:00:00Z",
        "/poll?channel=a&since=1970-01-01T00:00:00Z",
        "/poll?channel=a&since=-1s",
        "/poll?channel=a&since=",
        "/poll?channel=a&limit=1",
        "/poll?channel=a&limit=0001",
        "/poll?channel=a&unknown=x",
        "/poll?&&channel=a&&",
        "/poll?channel=a&channel=a",
        "/poll?channel=%EF%BF%BD",
        "/poll?channel=%F0%9F%A6%80",
        "/poll?channel=.",
        "/poll?channel=a+b",
        "/poll?channel=%2F..%2F",
        "/poll?channel=*",
        "/poll?channel=a.**",
        "/longpoll?channel=a&since=7f3k2q9x-18446744073709551615",
        "/longpoll?channel=a&wait=0&linger=0",
        "/longpoll?channel=a&wait=0&since=-213503982334601d",
        "/jsonp?channel=a&callback=$.a_1",
        "http://other/poll?channel=a",
    ];
    let fine = targets.map(|target| Case::get(Expect::Fine, target, ""));
    let cookies = [
        "",
        "=",
        "encke-=",
        "a",
        "a=b; c",
        "encke-0000000000000000=7f3k2q9x-1",
        "\u{e9}=\u{e9}",
        ";;;",
        "a=\"",
        "encke-x=%00",
    ];
    let cookies =
        cookies.map(|cookie| Case::get(Expect::Fine, "/kept?channel=a", &format!("Cookie: {cookie}\r\n")));
    let tags = ["*", "\"", "W/", "W/\"", "a", "\u{e9}", ",,,", "\"a\" \"b\""];
    let tags =
        tags.map(|tag| Case::get(Expect::Fine, "/poll?channel=a", &format!("If-None-Match: {tag}\r\n")));
    let wishes = [
        "wait",
        "wait=",
        "wait=x",
        "wait=-1",
        "wait=1e9",
        "wait=99999999999999999999",
        ";;,,",
        "respond-async",
    ];
    let wishes = wishes
        .map(|wish| Case::get(Expect::Fine, "/longpoll?channel=a&wait=0", &format!("Prefer: {wish}\r\n")));
    fine.into_iter().chain(cookies).chain(tags).chain(wishes).collect()
}
