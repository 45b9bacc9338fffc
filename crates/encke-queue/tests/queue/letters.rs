//! What can never be published is put aside, with its reason and as it was.

use encke_core::{Kind, LogConfig, Pattern, Retention, Selector};
use encke_hub::{Access, Action, Ask};
use encke_queue::{Pump, RedisStream};
use encke_testkit::RedisServer;

use crate::{
    moody::Moody,
    support::{
        PUMP, Running, grant, hub, pump, put, put_texts, stored, stream, stream_config, until_empty, url,
    },
};

type Entry<'a> = Vec<(&'a str, &'a [u8])>;

/// A dead letter: its fields as text, in their order.
fn letters(redis: &RedisServer) -> Vec<Vec<String>> {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    type Letters = Vec<(String, Vec<Vec<u8>>)>;
    let letters: Letters =
        redis::cmd("XRANGE").arg("jobs.dead").arg("-").arg("+").query(&mut connection).unwrap();
    let text = |field: &Vec<u8>| String::from_utf8_lossy(field).into_owned();
    letters.iter().map(|(_, fields)| fields.iter().map(text).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_each_malformed_entry_becomes_a_dead_letter_that_says_why() {
    let (long, deep) = ("x".repeat(256), "[".repeat(33) + &"]".repeat(33));
    let many = vec!["c"; 65].join(",");
    let large = vec![b'x'; (64 << 10) + 1];
    let good: (&str, &[u8]) = ("channel", b"news");
    let data: (&str, &[u8]) = ("data", b"1");
    let cases: Vec<(Entry<'_>, &str)> = vec![
        (vec![data], "needs a channel"),
        (vec![("chanel", b"news"), data], "needs a channel"),
        (vec![good], "needs data"),
        (vec![("channel", b""), data], "at least one byte"),
        (vec![("channel", long.as_bytes()), data], "at most 255 bytes"),
        (vec![("channel", b"a\nb"), data], "control characters"),
        (vec![("channel", b"a\0b"), data], "control characters"),
        (vec![("channel", b"a\x1b[2Jb"), data], "control characters"),
        (vec![("channel", b"\xff\xfe"), data], "`channel` is not UTF-8"),
        (vec![("channel", b"news.*"), data], "select channels"),
        (vec![("channels", b"a,,b"), data], "`channels`: a name is at least"),
        (vec![("channels", many.as_bytes()), data], "at most 64 channels"),
        (vec![("user", b""), data], "the field `user`"),
        (vec![good, data, data], "two fields `data`"),
        (vec![good, data, ("type", b"text/plain"), ("type", b"text/plain")], "two fields `type`"),
        (vec![good, ("data", b"{"), ("type", b"application/json")], "not one JSON value"),
        (vec![good, ("data", b"\"\\ud800\""), ("type", b"application/json")], "not one JSON value"),
        (vec![good, ("data", deep.as_bytes()), ("type", b"application/json")], "nested deeper"),
        (vec![good, ("data", b"\xff"), ("type", b"text/plain")], "not UTF-8 text"),
        (vec![good, data, ("type", b"multipart/form-data")], "cannot be published"),
        (vec![good, data, ("type", b"\xff")], "`type` is not UTF-8"),
        (vec![good, data, ("name", b"a\rb")], "the field `name`"),
        (vec![good, data, ("name", b"\xff")], "`name` is not UTF-8"),
        (vec![good, data, ("key", b"")], "the field `key`"),
        (vec![good, data, ("key", long.as_bytes())], "the field `key`"),
        (vec![good, ("data", &large)], "at most 65536 bytes"),
        (vec![("channels", b"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), data], "too many channels"),
        (vec![("channel", b"$secret"), data], "do not allow"),
    ];
    let redis = RedisServer::start();
    put(&redis, cases.iter().map(|(entry, _)| entry.clone()));
    put_texts(&redis, "news", ["good".to_owned()]);
    let hub = hub(&Moody::new());
    let all = Selector::Pattern(Pattern::new("**").unwrap());
    let only = move |_: &Ask| Ok(Access::only([(Action::Publish, all.clone())]));
    let pump = std::sync::Arc::new(Pump::new("jobs", &hub, grant(&hub, only).await, PUMP).unwrap());
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    running.stop().await;

    let letters = letters(&redis);
    assert_eq!(letters.len(), cases.len());
    assert_eq!(pump.counts().buried, cases.len() as u64);
    for (letter, (entry, reason)) in letters.iter().zip(&cases) {
        assert_eq!([letter[0].as_str(), letter[2].as_str()], ["encke.id", "encke.reason"]);
        assert!(letter[3].contains(reason), "{} for {entry:?}", letter[3]);
        let fields = entry.iter().flat_map(|(field, value)| [field.as_bytes(), value]);
        let fields: Vec<_> = fields.map(String::from_utf8_lossy).collect();
        assert_eq!(letter[4..], fields, "as it was");
    }
    assert_eq!(stored(&hub, "news").await.len(), 1, "what is well is published");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_well_arrives_as_it_was_put() {
    let redis = RedisServer::start();
    let every: Vec<u8> = (0..=255).collect();
    let cases: Vec<(Entry<'_>, Kind, &str)> = vec![
        (vec![("data", b"{\"a\": 1}")], Kind::Json, "application/json"),
        (vec![("data", b"Goal!")], Kind::Text, "text/plain; charset=utf-8"),
        (vec![("data", b"")], Kind::Text, "text/plain; charset=utf-8"),
        (vec![("data", &every)], Kind::Binary, "application/octet-stream"),
        (vec![("data", b"1"), ("type", b"text/plain")], Kind::Text, "text/plain; charset=utf-8"),
        (vec![("data", b"<b>"), ("type", b"text/html")], Kind::Text, "text/html"),
        (vec![("data", b"1"), ("type", b"image/png")], Kind::Binary, "image/png"),
        (
            vec![("data", b"\r\n\0"), ("é", b"other"), ("trace", b"\xff")],
            Kind::Text,
            "text/plain; charset=utf-8",
        ),
    ];
    put(&redis, cases.iter().map(|(entry, ..)| [&[("channel", &b"news"[..])], entry.as_slice()].concat()));
    let several: Entry<'_> = vec![
        ("channel", b"a"),
        ("channels", b"b, c"),
        ("user", b"anna"),
        ("channel", b"a"),
        ("data", b"all"),
        ("name", b"greeting"),
    ];
    put(&redis, [several]);
    let hub = hub(&Moody::new());
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(pump.counts().buried, 0);
    let news = stored(&hub, "news").await;
    assert_eq!(news.len(), cases.len());
    for (message, (entry, kind, media_type)) in news.iter().zip(&cases) {
        let data = entry.iter().find(|(field, _)| *field == "data").unwrap().1;
        assert_eq!((&message.data()[..], message.kind()), (data, *kind), "{entry:?}");
        assert_eq!(message.content_type(), *media_type, "{entry:?}");
    }
    for channel in ["a", "b", "c", "@anna"] {
        let messages = stored(&hub, channel).await;
        assert_eq!(messages.len(), 1, "{channel}");
        assert_eq!(messages[0].name(), Some("greeting"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_megabyte_is_published_where_it_is_allowed() {
    let redis = RedisServer::start();
    let retention = Retention { bytes: 8 << 20, ..Retention::default() };
    let engine = Moody::with(LogConfig { retention, ..LogConfig::default() });
    let config = encke_hub::HubConfig { message_bytes: 1 << 20, ..encke_hub::HubConfig::default() };
    let hub = encke_hub::Hub::builder().engine(engine).config(config).build().unwrap();
    let exactly = vec![b'\xff'; 1 << 20];
    let more = vec![b'x'; (1 << 20) + 1];
    put(&redis, [&exactly, &more].map(|data| vec![("channel", &b"news"[..]), ("data", data.as_slice())]));
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, stream(&redis, "a"));
    until_empty(&redis).await;
    running.stop().await;
    let news = stored(&hub, "news").await;
    assert!(news.len() == 1 && *news[0].data() == exactly);
    assert_eq!(letters(&redis)[0][7].len(), more.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l7_so_many_dead_letters_are_kept_and_so_many_fields_of_each() {
    let redis = RedisServer::start();
    put(&redis, (0..1_000).map(|_| vec![("data", &b"no channel"[..])]));
    put(&redis, [vec![("x", &b"y"[..]); 20_000]]);
    let mut config = stream_config("a");
    config.dead_length = 100;
    let hub = hub(&Moody::new());
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, RedisStream::new(url(&redis), config));
    until_empty(&redis).await;
    running.stop().await;
    let letters = letters(&redis);
    // Redis trims by nodes of a hundred entries.
    assert!((100..=200).contains(&letters.len()), "{}", letters.len());
    assert_eq!(letters.last().unwrap().len(), 4 + 2 * 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_stream_lets_go_of_before_it_is_published_leaves_a_dead_letter() {
    let redis = RedisServer::start();
    put_texts(&redis, "news", ["lost".to_owned(), "kept".to_owned()]);
    redis.run(&["XGROUP", "CREATE", "jobs", "encke", "0"]);
    redis.run(&["XREADGROUP", "GROUP", "encke", "a", "COUNT", "2", "STREAMS", "jobs", ">"]);
    redis.run(&["XTRIM", "jobs", "MAXLEN", "1"]);
    let mut config = stream_config("a");
    config.one_at_a_time = false;
    let hub = hub(&Moody::new());
    let pump = pump(&hub).await;
    let running = Running::pump(&pump, RedisStream::new(url(&redis), config));
    until_empty(&redis).await;
    running.stop().await;
    assert_eq!(crate::support::texts(&hub, "news").await, ["kept"]);
    let letters = letters(&redis);
    assert_eq!(letters.len(), 1);
    assert!(letters[0][3].contains("lost it"), "{letters:?}");
}
