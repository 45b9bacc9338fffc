//! What is published.

use super::{Case, Expect};

const JSON: &str = "Content-Type: application/json\r\n";
const LINES: &str = "Content-Type: application/x-ndjson\r\n";

pub(super) fn cases() -> Vec<Case> {
    [json(), media_types(), lines(), batches(), broken()].concat()
}

fn publish(expect: Expect, headers: &str, body: impl AsRef<[u8]>) -> Case {
    Case::post(expect, "/publish?channel=a", headers, body.as_ref())
}

fn json() -> Vec<Case> {
    let whole = "{\"a\":[1,-2.5e3,true,{\"b\":\"\\u00e9\\n\"}],\"c\":null}";
    let truncated = (0..whole.len()).map(|end| publish(Expect::Problem, JSON, &whole[..end]));
    let bad = [
        "{a:1}",
        "{'a':1}",
        "[1,]",
        "{\"a\":1,}",
        "[,]",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "0x1",
        "NaN",
        "Infinity",
        "undefined",
        "True",
        "nul",
        "1 2",
        "{}{}",
        "[]]",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\n\"",
        "\"\t\"",
        "\"\0\"",
        "// x\n1",
        "/**/1",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "{\"a\"}",
        "{\"a\" 1}",
        "{1:2}",
        "{\"a\":}",
        "[1 2]",
        "\"\\ud800",
        "--1",
        "\u{b}1",
        "1;",
        "(1)",
        "`a`",
    ];
    let not_utf8: [&[u8]; 4] = [b"\"\xFF\"", b"\"\xC3\"", b"\xFE\xFF\0[\0]", b"\"\xED\xA0\x80\""];
    let deep = [33, 100, 1_000, 30_000].into_iter().flat_map(|depth| {
        ["[", "{\"a\":", "[{\"a\":"].map(|open| publish(Expect::Problem, JSON, open.repeat(depth)))
    });
    let closed = publish(Expect::Problem, JSON, "[".repeat(33) + &"]".repeat(33));
    let bad = bad.into_iter().map(|body| publish(Expect::Problem, JSON, body));
    let other = ["application/ld+json", "APPLICATION/JSON", "application/json; charset=utf-8"];
    let other = other.map(|kind| publish(Expect::Problem, &format!("Content-Type: {kind}\r\n"), "{"));
    let not_utf8 = not_utf8.into_iter().map(|body| publish(Expect::Problem, JSON, body));
    truncated.chain(bad).chain(not_utf8).chain(deep).chain([closed]).chain(other).collect()
}

fn media_types() -> Vec<Case> {
    let kinds = [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "Multipart/Form-Data;boundary=\"\"",
        "text/\u{e9}",
    ];
    let kinds = kinds.map(|kind| publish(Expect::Problem, &format!("Content-Type: {kind}\r\n"), "x"));
    let bodies: [&[u8]; 6] =
        [b"\xFF", b"a\xC3", b"\xC0\x80", b"\xF4\x90\x80\x80", b"\xED\xBF\xBF", b"a\xE2\x82"];
    let texts = ["text/plain", "text/html; charset=utf-8", "text/x; CHARSET=\"UTF-8\""];
    let pairs = texts.into_iter().flat_map(|kind| bodies.map(|body| (kind, body)));
    let texts =
        pairs.map(|(kind, body)| publish(Expect::Problem, &format!("Content-Type: {kind}\r\n"), body));
    let large = publish(Expect::Problem, "", vec![b'x'; (64 << 10) + 1]);
    kinds.into_iter().chain(texts).chain([large]).collect()
}

fn lines() -> Vec<Case> {
    let long = format!("{{\"data\":1,\"name\":\"{}\"}}", "a".repeat(256));
    let large = format!("{{\"data\":\"{}\"}}", "a".repeat(70_000));
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let deeper = format!("{{\"data\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let ignored =
        format!("{{\"other\":{}1{},\"data\":1,\"name\":\"\"}}", "[".repeat(100_000), "]".repeat(100_000));
    let many = format!("{{\"data\":1,\"channels\":[{}\"a\"]}}", "\"b\",".repeat(100_000));
    let names: Vec<String> = (0..100_000).map(|number| format!("\"c{number}\"")).collect();
    let different = format!("{{\"data\":1,\"channels\":[{}]}}", names.join(","));
    let bad = [
        "x",
        "1",
        "null",
        "[]",
        "\"data\"",
        "{}",
        "{",
        "{\"data\":}",
        "{\"data\":1}}",
        "{\"data\":1,\"base64\":\"AA==\"}",
        "{\"data\":1,\"data\":2}",
        "{\"data\":1 \"name\":\"a\"}",
        "{\"data\":1,\"channel\":1}",
        "{\"data\":1,\"channel\":\"\"}",
        "{\"data\":1,\"channel\":\"**.a\"}",
        "{\"data\":1,\"channel\":\"*\"}",
        "{\"data\":1,\"channel\":\"\\u0000\"}",
        "{\"data\":1,\"channels\":\"a\"}",
        "{\"data\":1,\"channels\":[1]}",
        "{\"data\":1,\"channels\":[\"\"]}",
        "{\"data\":1,\"name\":\"\"}",
        "{\"data\":1,\"name\":\"a\\nb\"}",
        "{\"data\":1,\"name\":1}",
        "{\"data\":1,\"key\":\"\"}",
        "{\"data\":1,\"key\":\"\\u0007\"}",
        "{\"data\":1,\"key\":[]}",
        "{\"base64\":\"A\"}",
        "{\"base64\":\"AAA\"}",
        "{\"base64\":\"====\"}",
        "{\"base64\":\"AA=A\"}",
        "{\"base64\":\"A A=\"}",
        "{\"base64\":\"AB==\"}",
        "{\"base64\":\"-_==\"}",
        "{\"base64\":\"\\u00e9\"}",
        "{\"base64\":1}",
        "{\"data\":\"\\ud8\"}",
        "{\"data\":NaN}",
        "{'data':1}",
        "{\"data\":1,}",
        "\u{feff}{\"data\":1}",
        &long,
        &large,
        &deep,
        &deeper,
        &ignored,
        &many,
        &different,
    ];
    let bad = bad.into_iter().map(|line| publish(Expect::Lines, LINES, line));
    let not_utf8: [&[u8]; 3] = [b"{\"data\":\"\xFF\"}", b"\xFF", b"{\"data\":1,\"name\":\"\xC3\"}"];
    bad.chain(not_utf8.map(|line| publish(Expect::Lines, LINES, line))).collect()
}

fn batches() -> Vec<Case> {
    let many = "{\"data\":1}\n".repeat(101);
    let huge = "x".repeat(100 * (64 << 10) + 1);
    let bad = ["", "\n", "\r\n\r\n", " \t\n ", &many, &huge];
    let bad = bad.into_iter().map(|body| publish(Expect::Problem, LINES, body));
    let nowhere = ["", "1", "{}"].map(|body| Case::post(Expect::Problem, "/publish", "", body.as_bytes()));
    let alone = Case::post(Expect::Lines, "/publish", LINES, b"{\"data\":1}");
    bad.chain(nowhere).chain([alone]).collect()
}

/// Bodies that end before they should.
fn broken() -> Vec<Case> {
    let whole = "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n";
    let ends = (0..20)
        .map(|end| Case::new(format!("a body of {end}"), Expect::Cut, whole.to_owned() + &"1".repeat(end)));
    let chunked = "POST /publish?channel=a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = "5\r\n12345\r\na;x=y\r\n1234567890\r\n0\r\n\r\n";
    let cuts = (0..body.len()).map(|end| {
        Case::new(format!("chunks cut at {end}"), Expect::Cut, format!("{chunked}{}", &body[..end]))
    });
    ends.chain(cuts).collect()
}
