//! Request lines, headers, lengths, chunks, and requests hidden in others.

use super::{Case, Expect};

const GOOD: &str = "GET /poll?channel=a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
/// What a request that hides in another's body looks like.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

pub(super) fn cases() -> Vec<Case> {
    [request_lines(), bytes(), headers(), hosts(), lengths(), chunks(), smuggling(), oversize(), truncated()]
        .concat()
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn request_lines() -> Vec<Case> {
    let versions = [
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/1.10",
        "HTTP/2.0",
        "HTTP/2",
        "HTTP/3",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "http/1.1",
        "HTTP/1.1x",
        "HTTP/1,1",
        "HTTP/-1.1",
        "HTTP/1.1 HTTP/1.1",
        "HTTP /1.1",
        "HTTP/ 1.1",
        "HTP/1.1",
        "HTTPS/1.1",
        "SIP/2.0",
        "ICY 200 OK",
        "HTTP/11",
        "HTTP\\1.1",
        "HTTP/\u{661}.1",
        "\0",
    ];
    let lines = [
        "GET",
        "GET ",
        "GET  HTTP/1.1",
        "GET /poll?channel=a",
        " GET /poll?channel=a HTTP/1.1",
        "GET\t/poll?channel=a\tHTTP/1.1",
        "GET /poll?channel=a b HTTP/1.1",
        "/poll?channel=a HTTP/1.1",
        "HTTP/1.1 200 OK",
        "GET  /poll?channel=a  HTTP/1.1",
        "GET poll?channel=a HTTP/1.1",
        "GET //poll HTTP/1.1",
        "GET * HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://[::1 HTTP/1.1",
        "GET http://a:99999/poll HTTP/1.1",
        "GET /../../etc/passwd HTTP/1.1",
        "GET /poll%00?channel=a HTTP/1.1",
        "GET /%70oll?channel=a HTTP/1.1",
        "CONNECT a:80 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "PRI * HTTP/2.0",
        "{\"type\":\"subscribe\"}",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}",
        "EHLO a",
        "*1\r\n$4\r\nPING",
    ];
    let version = |version: &str| format!("GET /poll?channel=a {version}");
    let all = versions.into_iter().map(version).chain(lines.into_iter().map(str::to_owned));
    all.map(|line| Case::new(&line, Expect::Refused, format!("{line}\r\nHost: a\r\n\r\n"))).collect()
}

/// Each byte where it must not be.
fn bytes() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |place: &str, byte: u8, before: &str, after: &str| {
        let bytes = [before.as_bytes(), &[byte], after.as_bytes()].concat();
        cases.push(Case::new(format!("byte {byte} in {place}"), Expect::Refused, bytes));
    };
    for byte in (0..=255).filter(|byte| !is_token(*byte)) {
        add("the method", byte, "G", "T /poll?channel=a HTTP/1.1\r\nHost: a\r\n\r\n");
        if byte != b':' {
            add("a header's name", byte, "GET /poll?channel=a HTTP/1.1\r\nHost: a\r\nX", "Y: z\r\n\r\n");
        }
    }
    for byte in (0..=b' ').chain(*b"\"<>\\^`{|}").chain(0x7F..=255) {
        add("the path", byte, "GET /poll", " HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for byte in (0..b' ').filter(|byte| *byte != b'\t').chain([0x7F]) {
        add("a header's value", byte, "GET /poll?channel=a HTTP/1.1\r\nHost: a\r\nX: y", "z\r\n\r\n");
        add("the version", byte, "GET /poll?channel=a HTTP/1", "1\r\nHost: a\r\n\r\n");
    }
    cases
}

fn headers() -> Vec<Case> {
    let lines = [
        "X",
        ": x",
        "X : y",
        "X\t: y",
        " X: y",
        "X: y\r\n z",
        "X: y\r\n\tz",
        "X: y\rZ: z",
        "\r\rX: y",
        "X: \0",
        "X\0: y",
        "X: y\u{1}",
        "(X): y",
        "X[]: y",
        "\"X\": y",
        "A,B: z",
        "A;B: z",
        "\u{e9}: y",
        "@: y",
        "=: y",
    ];
    lines
        .into_iter()
        .map(|line| Case::get(Expect::Refused, "/poll?channel=a", &format!("{line}\r\n")))
        .collect()
}

fn hosts() -> Vec<Case> {
    let cases = [
        ("", "none"),
        ("Host: a\r\nHost: a\r\n", "two"),
        ("Host: a\r\nHost: b\r\n", "two others"),
        ("Host: a b\r\n", "a space"),
        ("Host: a/b\r\n", "a path"),
        ("Host: http://a\r\n", "a URL"),
        ("Host: u@a\r\n", "a user"),
        ("Host: a:b\r\n", "no port"),
        ("Host: [::1\r\n", "no bracket"),
        ("Host: \u{e9}\r\n", "not ASCII"),
        ("Host: a?b\r\n", "a query"),
    ];
    let case = |(headers, name): (&str, &str)| {
        let request = format!("GET /poll?channel=a HTTP/1.1\r\n{headers}\r\n");
        Case::new(format!("host: {name}"), Expect::Problem, request)
    };
    let fine = Case::new("HTTP/1.0 without a host", Expect::Fine, "GET /poll?channel=a HTTP/1.0\r\n\r\n");
    cases.into_iter().map(case).chain([fine]).collect()
}

fn lengths() -> Vec<Case> {
    let lengths = [
        "-1",
        "+1",
        "1 1",
        "1, 2",
        "1;1",
        "0x1",
        "1e0",
        "1.0",
        "",
        "a",
        "\u{661}",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775808",
        "1\r\nContent-Length: 2",
        "1\r\nContent-Length: a",
        "one",
        "1_0",
        "'1'",
        "1/1",
        "NaN",
        "--1",
    ];
    let length = |length: &str| {
        let head =
            format!("POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n1");
        Case::new(format!("length {length}"), Expect::Refused, head)
    };
    let long = "9".repeat(10_000);
    let codings = [
        "gzip",
        "identity",
        "chunked, gzip",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "chunked x",
        "\u{b}chunked",
        "c\0hunked",
        "chunked,identity",
        "",
        "gzip\r\nTransfer-Encoding: deflate",
        "\"chunked\"",
    ];
    let coding = |coding: &str| {
        let head =
            format!("POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n");
        Case::new(format!("coding {coding}"), Expect::Refused, head + "1\r\n1\r\n0\r\n\r\n")
    };
    let old = "POST /publish?channel=a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n";
    let old = Case::new("chunks in HTTP/1.0", Expect::Refused, old);
    let lengths = lengths.into_iter().chain([long.as_str()]).map(length);
    lengths.chain(codings.into_iter().map(coding)).chain([old]).collect()
}

fn chunks() -> Vec<Case> {
    let head = "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!("1;{}\r\n1\r\n0\r\n\r\n", "x".repeat(40_000));
    let trailers = format!("1\r\n1\r\n0\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    let many = format!("1\r\n1\r\n0\r\n{}\r\n", "X: y\r\n".repeat(300));
    let bodies = [
        "g\r\n1\r\n0\r\n\r\n",
        "-1\r\n1\r\n0\r\n\r\n",
        "+1\r\n1\r\n0\r\n\r\n",
        "0x1\r\n1\r\n0\r\n\r\n",
        "\r\n1\r\n0\r\n\r\n",
        ";\r\n1\r\n0\r\n\r\n",
        "ffffffffffffffff\r\n1\r\n0\r\n\r\n",
        "10000000000000000\r\n1\r\n0\r\n\r\n",
        "fffffffffffffffffffffffff\r\n1\r\n0\r\n\r\n",
        "1\r\n12\r\n0\r\n\r\n",
        "2\r\n1\r\n0\r\n\r\n",
        "1\r\n10\r\n\r\n",
        "1 1\r\n1\r\n0\r\n\r\n",
        "1\r1\r\n0\r\n\r\n",
        "1;a\nb\r\n1\r\n0\r\n\r\n",
        "1\r\n1\r0\r\n\r\n",
        "1\r\n1\r\n0\r\nX\r\n\r\n",
        "1\r\n1\r\n0\r\n: y\r\n\r\n",
        "1\r\n1\r\n0\r\nX y\r\n\r\n",
        "\0\r\n1\r\n0\r\n\r\n",
        "1\0\r\n1\r\n0\r\n\r\n",
        "\u{661}\r\n1\r\n0\r\n\r\n",
        "1\r\n1\r\nx",
        "1\r\n1\r\n0\r\nx",
    ];
    let all = bodies.into_iter().chain([extension.as_str(), trailers.as_str(), many.as_str()]);
    // Some only look like a beginning, so the stream is ended behind them.
    all.map(|body| Case::new(format!("chunks {body:.40?}"), Expect::Cut, format!("{head}{body}"))).collect()
}

fn smuggling() -> Vec<Case> {
    let post = "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\n";
    let bodies = [
        format!("0\r\n\r\n{HIDDEN}"),
        format!("1\r\n1\r\n0\r\n\r\n{HIDDEN}"),
        format!("1;x\r\n1\r\n0\r\nX: y\r\n\r\n{HIDDEN}"),
    ];
    let headers = [
        "Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
        "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding:\u{b}chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
    ];
    let pairs = headers.iter().flat_map(|headers| bodies.iter().map(move |body| (headers, body)));
    pairs
        .map(|(headers, body)| {
            let headers = headers.replace("LENGTH", &body.len().to_string());
            Case::new(
                format!("hidden by {headers:?} {body:?}"),
                Expect::Once,
                format!("{post}{headers}\r\n{body}"),
            )
        })
        .collect()
}

fn oversize() -> Vec<Case> {
    let long = "x".repeat(70_000);
    let digits = "9".repeat(1_000_000);
    let many = "X: y\r\n".repeat(101);
    vec![
        Case::get(Expect::Refused, &format!("/{long}"), ""),
        Case::get(Expect::Refused, &format!("/poll?channel={long}"), ""),
        Case::get(Expect::Refused, &format!("/poll?channel=a&since={digits}"), ""),
        Case::get(Expect::Refused, &format!("/poll?channel=a&limit={digits}"), ""),
        Case::get(Expect::Refused, "/poll?channel=a", &format!("X: {long}\r\n")),
        Case::get(Expect::Refused, "/poll?channel=a", &format!("{long}: x\r\n")),
        Case::get(Expect::Refused, "/poll?channel=a", &format!("Cookie: {long}\r\n")),
        Case::get(Expect::Refused, "/sse?channel=a", &format!("Last-Event-ID: {digits}\r\n")),
        Case::get(Expect::Refused, "/poll?channel=a", &many),
        Case::new("a long method", Expect::Refused, format!("{long} / HTTP/1.1\r\n\r\n")),
        Case::new("only line ends", Expect::Cut, "\r\n".repeat(50_000)),
        Case::new("only NUL", Expect::Cut, vec![0; 100_000]),
    ]
}

/// Every beginning of a request.
fn truncated() -> Vec<Case> {
    (1..GOOD.len())
        .map(|end| Case::new(format!("cut at {end}"), Expect::Cut, &GOOD.as_bytes()[..end]))
        .collect()
}
