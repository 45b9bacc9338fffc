//! What is cheap to send and could be dear to receive, frame by frame. Others are served meanwhile.

use encke_testkit::{Raw, TestGateway, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf},
};

use crate::{
    http2::PREFACE,
    http2_client::{Client, soon},
};

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// A frame (RFC 9113, section 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The fields of a GET, for HPACK: from the static table, and two literals.
fn fields(method: u8, path: &str) -> Vec<u8> {
    let literal =
        |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [vec![method, 0x86], literal(4, path), literal(1, "gateway.example")].concat()
}

/// A request for `path` by GET.
pub(crate) fn headers(stream: u32, path: &str, flags: u8) -> Vec<u8> {
    frame(1, flags, stream, &fields(0x82, path))
}

/// A ping that is answered when everything before it was taken.
const MARK: [u8; 8] = *b"all done";

/// What a gateway said last: all was taken, or the code of its GOAWAY, or nothing.
#[derive(Debug)]
#[expect(dead_code, reason = "for those who read the log")]
enum End {
    Taken,
    Told(u32),
    Closed,
}

/// Reads frames to the answer of the mark, or to the end.
async fn read_to_the_mark(mut reader: OwnedReadHalf) -> End {
    let mut end = End::Closed;
    let mut head = [0; 9];
    while reader.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        if reader.read_exact(&mut payload).await.is_err() {
            break;
        }
        match (head[3], payload.get(4..8)) {
            (6, _) if payload == MARK => return End::Taken,
            (7, Some(code)) => end = End::Told(u32::from_be_bytes(code.try_into().unwrap())),
            _ => {}
        }
    }
    end
}

/// Sends `attack` while others ask.
async fn under(attack: impl Iterator<Item = Vec<u8>>, what: &str) {
    let gateway = TestGateway::start("limits.head = '2s'\nlimits.body = '2s'\nlimits.write_stall = '1s'");
    let address = gateway.address();
    let bystander = tokio::spawn(async move {
        let mut client = Client::connect(address).await;
        for _ in 0..200 {
            let (status, body) = client.ask("GET /poll?channel=a", b"").await;
            assert_eq!(status, 200, "{body}");
        }
    });
    let mut sse = Client::connect(address).await;
    let mut sse = sse.hold("GET /sse?channel=live").await;

    let (reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let end = tokio::spawn(read_to_the_mark(reader));
    let mut sent = 0;
    let mut chunk = PREFACE.to_vec();
    for frames in attack {
        chunk.extend(frames);
        sent += 1;
        if chunk.len() > 16 << 10 && writer.write_all(&std::mem::take(&mut chunk)).await.is_err() {
            break;
        }
    }
    chunk.extend(frame(6, 0, 0, &MARK));
    // It may be closed by now.
    let _ = writer.write_all(&chunk).await;
    let end = soon("what the gateway says", end).await.unwrap();
    gateway.publish("live", "still here").await;
    sse.read_to("still here").await;
    bystander.await.unwrap();
    drop(writer);
    wait_for("the end of the attack's requests", async || gateway.hub().len() == 1).await;
    println!("{what}: {sent} sent, {end:?}");
}

/// The streams that a client opens, in order.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

#[tokio::test]
async fn rapid_resets() {
    for path in ["/longpoll?channel=a&wait=20", "/sse?channel=a", "/nowhere"] {
        let cancel = 8_u32.to_be_bytes();
        let attack = streams(10_000).map(|stream| {
            [headers(stream, path, END_STREAM | END_HEADERS), frame(3, 0, stream, &cancel)].concat()
        });
        under(attack, &format!("resets of {path}")).await;
    }
}

#[tokio::test]
async fn resets_that_the_gateway_is_made_to_send() {
    // A window update of zero is an error of the stream.
    let attack = streams(10_000).map(|stream| {
        let open = headers(stream, "/longpoll?channel=a&wait=20", END_STREAM | END_HEADERS);
        [open, frame(8, 0, stream, &[0; 4])].concat()
    });
    under(attack, "resets provoked").await;
}

#[tokio::test]
async fn headers_without_an_end() {
    let begin = std::iter::once(headers(1, "/", END_STREAM));
    // A literal of one kilobyte that is not indexed.
    let name_and_value = [&[0, 1, b'x', 0x7f, 0x81, 0x07][..], &[b'y'; 1_024]].concat();
    let more = std::iter::repeat_with(move || frame(9, 0, 1, &name_and_value)).take(20_000);
    under(begin.chain(more), "continuations of 1 KiB").await;
    let begin = std::iter::once(headers(1, "/", END_STREAM));
    under(begin.chain(std::iter::repeat_with(|| frame(9, 0, 1, &[])).take(100_000)), "empty continuations")
        .await;
    let begin = std::iter::once(headers(1, "/", END_STREAM));
    under(
        begin.chain(std::iter::repeat_with(|| frame(9, 0, 1, &[0x82])).take(100_000)),
        "tiny continuations",
    )
    .await;
}

#[tokio::test]
async fn frames_that_mean_nothing() {
    let post = || std::iter::once(frame(1, END_HEADERS, 1, &fields(0x83, "/publish?channel=a")));
    under(post().chain(std::iter::repeat_with(|| frame(0, 0, 1, &[])).take(100_000)), "empty data").await;
    under(std::iter::repeat_with(|| frame(6, 0, 0, &[0; 8])).take(50_000), "pings").await;
    under(std::iter::repeat_with(|| frame(4, 0, 0, &[])).take(50_000), "settings").await;
    under(streams(50_000).map(|stream| frame(2, 0, stream, &[0, 0, 0, 0, 1])), "priorities").await;
    under(std::iter::repeat_with(|| frame(0xbe, 0, 0, &[0; 100])).take(50_000), "unknown frames").await;
    let update = 1_u32.to_be_bytes();
    under(std::iter::repeat_with(move || frame(8, 0, 0, &update)).take(50_000), "window updates").await;
}

#[tokio::test]
async fn wrong_frames_end_only_their_connection() {
    let gateway = TestGateway::start("limits.head = '2s'");
    let get = |flags| headers(1, "/healthz", flags);
    let table: Vec<(&str, Vec<u8>)> = vec![
        (
            "no settings first",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        ),
        ("an even stream", [PREFACE, &headers(2, "/", 5)].concat()),
        ("stream zero", [PREFACE, &headers(0, "/", 5)].concat()),
        ("a frame too large", [PREFACE, &frame(0, 0, 1, &vec![0; 20_000])].concat()),
        ("a continuation of nothing", [PREFACE, &frame(9, 4, 1, &[])].concat()),
        ("data on an idle stream", [PREFACE, &frame(0, 1, 7, b"x")].concat()),
        ("an index out of the table", [PREFACE, &frame(1, 5, 1, &[0xff, 0xff, 0xff, 0xff, 0x0f])].concat()),
        ("a table that grows for ever", [PREFACE, &frame(1, 5, 1, &[0x3f, 0xe1, 0xff, 0xff, 0x7f])].concat()),
        ("a cut literal", [PREFACE, &frame(1, 5, 1, &[0x82, 0x86, 0x04, 0x20, b'/'])].concat()),
        ("a frame within a head", [PREFACE, &get(1), &frame(6, 0, 0, &[0; 8])].concat()),
        ("a push of a client", [PREFACE, &frame(5, 4, 1, &[0, 0, 0, 2])].concat()),
        ("a short ping", [PREFACE, &frame(6, 0, 0, &[0; 7])].concat()),
        ("settings of seven bytes", [PREFACE, &frame(4, 0, 0, &[0; 7])].concat()),
        ("a window beyond its end", [PREFACE, &frame(4, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff])].concat()),
        ("a window update of zero", [PREFACE, &frame(8, 0, 0, &[0; 4])].concat()),
        ("a reset of an idle stream", [PREFACE, &frame(3, 0, 9, &[0; 4])].concat()),
    ];
    let mut client = Client::connect(gateway.address()).await;
    assert_eq!(client.ask("GET /healthz", b"").await.0, 200);
    for (what, bytes) in &table {
        let mut raw = Raw::connect(gateway.address()).await;
        raw.send(bytes).await;
        let answer = raw.read_to_end().await;
        assert!(!answer.contains("HTTP/1.1 5"), "{what}: {answer:?}");
        assert_eq!(client.ask("GET /healthz", b"").await.0, 200, "{what}");
    }
    println!("{} wrong beginnings", table.len());
    drop(client);
    gateway.quiet().await;
}

#[tokio::test]
async fn a_hundred_connections_that_reset_at_once() {
    let gateway = TestGateway::start("");
    let mut attackers = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        let cancel = 8_u32.to_be_bytes();
        let frames = streams(100).flat_map(|stream| {
            [headers(stream, "/longpoll?channel=a&wait=20", 5), frame(3, 0, stream, &cancel)].concat()
        });
        let bytes: Vec<u8> = PREFACE.iter().copied().chain(frames).collect();
        stream.write_all(&bytes).await.unwrap();
        attackers.push(stream);
    }
    for _ in 0..100 {
        assert_eq!(gateway.request("GET /healthz", b"").await.status, 200);
    }
    let mut read = [0; 1_024];
    for mut attacker in attackers {
        // Settings, and what came of it.
        assert!(attacker.read(&mut read).await.unwrap_or(1) > 0);
    }
    wait_for("the end of their requests", async || gateway.hub().is_empty()).await;
    gateway.quiet().await;
}
