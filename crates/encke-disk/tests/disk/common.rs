//! What the tests share.

use encke_core::{
    Appended, ChannelName, Cursor, Limit, LogConfig, Message, Older, Page, Publish, Resident, Selector,
    Timestamp,
};
use encke_disk::{DiskConfig, DiskEngine};
use encke_hub::{Engine, EngineError};
use tempfile::TempDir;

/// Limits by which next to nothing stays in memory.
pub(crate) fn forgetful() -> LogConfig {
    let resident = Resident { count: 1, bytes: 1, total: 1 };
    LogConfig { resident, ..LogConfig::default() }
}

pub(crate) fn open(dir: &TempDir) -> DiskEngine {
    open_with(dir, &forgetful())
}

pub(crate) fn open_with(dir: &TempDir, limits: &LogConfig) -> DiskEngine {
    DiskEngine::open(dir.path(), DiskConfig::default(), limits.clone()).unwrap()
}

pub(crate) fn name(name: &str) -> ChannelName {
    ChannelName::new(name).unwrap()
}

pub(crate) fn select(selectors: &[&str]) -> Vec<Selector> {
    selectors.iter().map(|selector| Selector::new(selector).unwrap()).collect()
}

pub(crate) fn text(channels: &[&str], text: &str) -> Publish {
    let first = Publish::new(name(channels[0]), Message::text(text));
    channels[1..].iter().fold(first, |publish, channel| publish.also_to(name(channel)))
}

/// Publishes at this time.
pub(crate) async fn store(
    engine: &DiskEngine,
    publish: Publish,
    millis: u64,
) -> Result<Appended, EngineError> {
    let (appended, wakes) = engine.publish(publish, Timestamp::from_millis(millis)).await?;
    wakes.wake();
    Ok(appended)
}

pub(crate) fn asks(engine: &DiskEngine, selectors: &[&str], after: u64, upto: u64, messages: usize) -> Older {
    let after = Cursor { seq: after, ..engine.log().head() };
    Older { after, upto, selectors: select(selectors), limit: Limit { messages, ..Limit::default() } }
}

/// All that the file has of the selectors, page by page of `messages`.
pub(crate) async fn all(engine: &DiskEngine, selectors: &[&str], messages: usize) -> Vec<(u64, String)> {
    let (mut after, upto) = (0, engine.log().head().seq);
    let mut found = Vec::new();
    while after < upto {
        let Page { records, upto } =
            engine.older(asks(engine, selectors, after, upto, messages)).await.unwrap();
        assert!(upto > after);
        after = upto;
        found.extend(records.iter().map(|record| (record.seq, record.message.as_text().unwrap().to_owned())));
    }
    found
}
