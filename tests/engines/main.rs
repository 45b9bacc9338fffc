//! What outlives a gateway, and several gateways that share a log, over real TCP.
#![expect(clippy::unwrap_used, reason = "all of it is tests and their helpers")]

mod disk;
mod feeds;
mod nodes;
mod rolling;
mod webhook;

use encke_client::Client;
use encke_core::{ChannelName, Key, Message};

/// Retention that keeps all of it, and a memory that keeps next to nothing: what is read comes from the engine.
const LONG: &str = "
log.retention.count = 100_000
log.retention.bytes = \"64MiB\"
log.memory.count = 20
drain.window = \"1s\"
";

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_encke-under-test");

/// Publishes numbers to `news`, one after the other, by each URL in turn: each until it is answered.
async fn publish_all(urls: &[String], numbers: impl IntoIterator<Item = u64>) {
    let clients: Vec<_> = urls.iter().map(|url| Client::new(url).unwrap()).collect();
    let news = [ChannelName::new("news").unwrap()];
    for (number, client) in numbers.into_iter().zip(clients.iter().cycle()) {
        let message = Message::json(number.to_string());
        let key = Key::new(&format!("number-{number}")).unwrap();
        let mut tries = 0;
        while let Err(error) = client.publish_once(&news, &message, &key).await {
            tries += 1;
            assert!(error.is_transient() && tries < 200, "{number}: {error}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
