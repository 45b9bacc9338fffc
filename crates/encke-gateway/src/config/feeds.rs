//! `[[queue]]` and `[[bridge]]`: what publishes from Redis.

use encke_core::{Key, Selector};
use encke_queue::{BridgeConfig, RedisStreamConfig, RedisUrl};

use super::{
    limits::COUNTS,
    scalar::{Scalar, quoted},
    secret::Secret,
    section::Section,
};

/// A Redis stream whose entries are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// By this name its entries are known again when they come twice.
    pub name: String,
    /// Where it is.
    pub url: Secret,
    /// How it is read; the node calls itself by its own name there, unless another is configured.
    pub stream: RedisStreamConfig,
}

/// What joins channels with plain pub/sub of a Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Where it is.
    pub url: Secret,
    /// What it joins.
    pub config: BridgeConfig,
}

impl Queue {
    /// Reads it, for the node of this name.
    pub(super) fn read(s: &mut Section<'_>, node: &str) -> Option<Self> {
        let name = s.required::<Name>("name");
        let url = read_url(s);
        let key = s.get("stream", Text("encke".to_owned())).0;
        let consumer = s.get("consumer", Text(node.to_owned())).0;
        let mut stream = RedisStreamConfig::new(&key, &consumer);
        stream.group = s.get("group", Text(stream.group)).0;
        stream.one_at_a_time = s.get("one_at_a_time", stream.one_at_a_time);
        stream.delete = s.get("delete", stream.delete);
        stream.dead = s.get("dead", Text(stream.dead)).0;
        stream.dead_length = s.get_in("dead_length", stream.dead_length, COUNTS);
        stream.batch = s.get_in("batch", stream.batch, 1..=10_000);
        Some(Self { name: name?.0, url: url?, stream })
    }
}

impl Bridge {
    pub(super) fn read(s: &mut Section<'_>) -> Option<Self> {
        let name = s.required::<Name>("name");
        let url = read_url(s);
        let patterns = s.nonempty_list::<Text>("patterns").unwrap_or_default();
        let (patterns_at, empty) = (s.place("patterns"), patterns.is_empty());
        let mut config = BridgeConfig::new("", patterns.into_iter().map(|Text(pattern)| pattern));
        config.redis_prefix = s.get("redis_prefix", Prefix::default()).0;
        config.channel_prefix = s.get("channel_prefix", Prefix::default()).0;
        config.mirror = s.list::<Selector>("mirror", Vec::new());
        if empty && config.mirror.is_empty() {
            s.wrong(
                patterns_at,
                "a bridge that joins nothing",
                "patterns = [\"chat.*\"], as PSUBSCRIBE has them",
            );
            return None;
        }
        config.name = name?.0;
        Some(Self { url: url?, config })
    }
}

/// Reads `url`, or the file that `url_file` names.
fn read_url(s: &mut Section<'_>) -> Option<Secret> {
    let at = if s.has("url_file") { s.place("url_file") } else { s.place("url") };
    let url = Secret::read(s, "url", "url_file", 1)?;
    if RedisUrl::parse(url.expose()).is_err() {
        s.wrong(at, "the URL is not that of a Redis", "such as \"redis://127.0.0.1/\"");
        return None;
    }
    Some(url)
}

/// A name that goes into keys.
struct Name(String);

/// A text that is not empty.
struct Text(String);

/// What a name begins with, perhaps nothing.
#[derive(Default)]
struct Prefix(String);

impl Scalar for Name {
    fn right() -> String {
        "a name of 1 to 120 bytes without control characters".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        let fits = text.len() <= 120 && Key::new(text).is_ok();
        fits.then(|| Self(text.to_owned())).ok_or(None)
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

impl Scalar for Text {
    fn right() -> String {
        "a text".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() { Err(None) } else { Ok(Self(text.to_owned())) }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

impl Scalar for Prefix {
    fn right() -> String {
        "a text".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}
