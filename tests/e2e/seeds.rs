//! Clients that were written for other servers, as they are, on a gateway with `examples/seeds.toml` and nothing else:
//! `tests/seeds/requests.md` is what they send and get, the scripts beside it are their own code.

use std::{process::Stdio, time::Duration};

use encke_testkit::{PATIENCE, Raw, TestGateway, transcript::replay};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

const CONFIG: &str = include_str!("../../examples/seeds.toml");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/");
const COUNT: usize = 200;

/// A program that runs until the test ends, and what it writes.
pub(super) struct Client {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Client {
    pub(super) fn start(program: &str, script: &str, gateway: &TestGateway, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        if program == "node" {
            command.arg("--experimental-websocket");
        }
        command.arg(format!("{SCRIPTS}{script}")).arg(gateway.url()).args(arguments);
        let child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { _child: child, lines }
    }

    fn node(script: &str, gateway: &TestGateway) -> Self {
        Self::start("node", script, gateway, &[])
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time");
        line.unwrap().expect("the client runs on")
    }

    /// The next lines, in order, each once.
    pub(super) async fn expect(&mut self, expected: impl IntoIterator<Item = String>) {
        for line in expected {
            assert_eq!(self.line().await, line);
        }
    }
}

/// The numbers of a sequence, after some text.
fn numbers(before: &str) -> impl Iterator<Item = String> {
    (1..=COUNT).map(move |number| format!("{before}{number}"))
}

fn gateway() -> TestGateway {
    TestGateway::start(CONFIG)
}

async fn until(done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the client comes");
}

/// Waits until a client is held: what is published from now on is for it.
async fn held(gateway: &TestGateway) {
    until(|| !gateway.hub().is_empty()).await;
}

/// What each of the loops finds its number in.
fn body(number: usize) -> String {
    format!("{{\"message\":{number},\"messages\":[{number}]}}")
}

async fn publish(gateway: &TestGateway, channel: &str) {
    let mut raw = Raw::connect(gateway.address()).await;
    for number in 1..=COUNT {
        raw.request(&format!("POST /publish/?cid={channel}"), body(number).as_bytes()).await;
        assert_eq!(raw.answer().await.status, 200);
    }
}

#[tokio::test]
async fn requests() {
    let text = include_str!("../seeds/requests.md");
    assert_eq!(replay("requests.md", &format!("```toml\n{CONFIG}```\n{text}")).await, 6);
}

#[tokio::test]
async fn polling() {
    let gateway = gateway();
    let mut client = Client::node("polling.mjs", &gateway);
    tokio::join!(publish(&gateway, "5"), client.expect(numbers("")));
}

#[tokio::test]
async fn comet() {
    let gateway = gateway();
    let mut client = Client::node("comet.mjs", &gateway);
    held(&gateway).await;
    tokio::join!(publish(&gateway, "5"), client.expect(numbers("")));
}

#[tokio::test]
async fn nginx_and_python() {
    let gateway = gateway();
    let mut client = Client::node("listen.mjs", &gateway);
    held(&gateway).await;
    let mut publisher = Client::start("python3", "publisher.py", &gateway, &[&COUNT.to_string()]);
    let published = (0..COUNT).map(|_| "ok".to_owned());
    tokio::join!(publisher.expect(published), client.expect(numbers("")));
}

#[tokio::test]
async fn fetch_in_a_loop() {
    let gateway = gateway();
    let mut client = Client::node("subscribe.mjs", &gateway);
    held(&gateway).await;
    tokio::join!(publish(&gateway, "subscribe"), client.expect((1..=COUNT).map(body)));
}

#[tokio::test]
async fn iframe_that_is_cut_once() {
    let gateway = gateway();
    let mut client = Client::node("iframe.mjs", &gateway);
    held(&gateway).await;
    tokio::join!(publish(&gateway, "123"), client.expect(numbers("")));
}

#[tokio::test]
async fn web_sockets() {
    let gateway = gateway();
    for path in ["echo", "chat"] {
        let mut client = Client::start("node", "echo.mjs", &gateway, &[&format!("/{path}")]);
        let hello = ["ws opened", "ws message Hello WebSocket"].map(str::to_owned);
        client.expect(hello).await;
        tokio::join!(publish(&gateway, path), client.expect(numbers("ws message ")));
    }
    let mut chat = Client::node("chat.mjs", &gateway);
    chat.expect(["hello".to_owned()]).await;
    tokio::join!(publish(&gateway, "test"), chat.expect(numbers("")));

    let mut web = Client::node("web.mjs", &gateway);
    let hello = [
        "[open] Соединение установлено",
        "Отправляем данные на сервер",
        "[message] Данные получены с сервера: Hello server",
    ];
    web.expect(hello.map(str::to_owned)).await;
}

/// With holds of 5 ms instead of those of the file, nearly every answer says that nothing came.
#[tokio::test]
async fn loops_survive_the_end_of_a_hold() {
    let short =
        CONFIG.replace("wait = \"60s\"\n", "").replace("cookie = true\n", "cookie = true\nwait = \"5ms\"\n");
    let gateway = TestGateway::start(&short);
    let loops = [("comet.mjs", "5"), ("listen.mjs", "5"), ("subscribe.mjs", "subscribe")];
    for (script, channel) in loops {
        let before = gateway.hub().counts().subscribed;
        let mut client = Client::node(script, &gateway);
        until(|| gateway.hub().counts().subscribed >= before + 5).await;
        let receive = async {
            for number in 1..=COUNT {
                let mut line = client.line().await;
                while line == "No Content" {
                    line = client.line().await;
                }
                assert!(line == number.to_string() || line == body(number), "{script}: {line}, not {number}");
            }
        };
        tokio::join!(publish(&gateway, channel), receive);
    }
}
