//! Random lives of a log, on disk and in memory side by side.

use encke_core::{
    ChannelName, Cursor, Epoch, Keep, Limit, Log, LogConfig, Mark, Message, Publish, Retention, Seek, Since,
    Timestamp,
};
use encke_disk::DiskEngine;
use encke_hub::{Engine, MemoryEngine};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::common::{asks, forgetful, name, open_with, select};

const NAMES: [&str; 4] = ["a", "b.x", "b.y", "c"];
const ASKED: [&[&str]; 6] =
    [&["a"], &["b.*"], &["**"], &["c", "a", "nobody"], &["b.x", "b.*"], &["b.y", "c"]];

#[derive(Debug, Clone)]
enum Op {
    Publish { channels: Vec<usize>, size: usize, after: u64 },
    Trim { channel: usize, keep: usize },
    After { channel: usize, back: u64 },
    Expire { after: u64 },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let channels = prop::collection::vec(0..NAMES.len(), 1..3);
    prop_oneof![
        12 => (channels, 0..400usize, 0..20u64)
            .prop_map(|(channels, size, after)| Op::Publish { channels, size, after }),
        1 => (0..NAMES.len(), 0..4usize).prop_map(|(channel, keep)| Op::Trim { channel, keep }),
        1 => (0..NAMES.len(), 0..8u64).prop_map(|(channel, back)| Op::After { channel, back }),
        1 => (0..120u64).prop_map(|after| Op::Expire { after }),
        1 => Just(Op::Reopen),
    ]
}

/// What memory has of the selectors: seq, time, text, and the channels with what came before.
type Known = (u64, Timestamp, String, Vec<(String, u64)>);

fn in_memory(log: &Log, selectors: &[&str]) -> Vec<Known> {
    // By all that there is, since a message is shown by the channels that are followed.
    let mut tail = log.open(select(&["**"]), Since::Earliest, Timestamp::default()).unwrap();
    let batch = tail.read(Limit { messages: 10_000, bytes: usize::MAX });
    let mut known = Vec::new();
    for delivery in batch.messages {
        let places = [(delivery.channel(), delivery.prev())].into_iter().chain(delivery.also());
        let places: Vec<_> = places.map(|(name, prev)| (name.to_string(), prev)).collect();
        let is_asked = |(channel, _): &(String, u64)| {
            select(selectors).iter().any(|selector| selector.matches(&name(channel)))
        };
        if places.iter().any(is_asked) {
            let text = delivery.message().as_text().unwrap().to_owned();
            known.push((delivery.seq(), delivery.time(), text, places));
        }
    }
    known
}

struct Life {
    dir: TempDir,
    limits: LogConfig,
    disk: Option<DiskEngine>,
    memory: MemoryEngine,
    now: u64,
}

impl Life {
    fn new() -> Self {
        let retention = Retention { count: 5, bytes: 2_000, age: std::time::Duration::from_millis(100) };
        let limits = LogConfig { retention, ..forgetful() };
        let dir = TempDir::new().unwrap();
        let disk = Some(open_with(&dir, &limits));
        let memory = MemoryEngine::new(Log::new(Epoch::from_bits(1), limits.clone()));
        Self { dir, limits, disk, memory, now: 1_000_000 }
    }

    fn disk(&self) -> &DiskEngine {
        self.disk.as_ref().unwrap()
    }

    async fn live(&mut self, op: Op) {
        match op {
            Op::Publish { channels, size, after } => {
                self.now += after;
                let text = "x".repeat(size);
                let first = Publish::new(name(NAMES[channels[0]]), Message::text(text));
                let publish =
                    channels[1..].iter().fold(first, |publish, at| publish.also_to(name(NAMES[*at])));
                let now = Timestamp::from_millis(self.now);
                let stored = self.disk().publish(publish.clone(), now).await.unwrap().0.cursor.seq;
                assert_eq!(stored, self.memory.publish(publish, now).await.unwrap().0.cursor.seq);
            }
            Op::Trim { channel, keep } => self.trim(&name(NAMES[channel]), |_| Keep::Newest(keep)).await,
            Op::After { channel, back } => {
                let place = |head: Cursor| Keep::After(Cursor { seq: head.seq.saturating_sub(back), ..head });
                self.trim(&name(NAMES[channel]), place).await;
            }
            Op::Expire { after } => {
                self.now += after;
                let now = Timestamp::from_millis(self.now);
                while self.disk().expire(now).await {}
                while self.memory.expire(now).await {}
            }
            Op::Reopen => {
                self.disk = None;
                self.disk = Some(open_with(&self.dir, &self.limits));
            }
        }
    }

    async fn trim(&self, channel: &ChannelName, keep: impl Fn(Cursor) -> Keep) {
        let on_disk = self.disk().trim(channel, keep(self.disk().log().head())).await.unwrap();
        let in_memory = self.memory.trim(channel, keep(self.memory.log().head())).await.unwrap();
        assert_eq!(on_disk.unwrap_or(0), in_memory.unwrap_or(0));
    }

    /// Both keep the same of each channel.
    fn compare_channels(&self) {
        for channel in NAMES {
            let state = |log: Log| {
                let info = log.channel(&name(channel)).filter(|info| info.retained > 0)?;
                Some((info.retained, info.bytes, info.last.seq, info.trimmed.seq))
            };
            assert_eq!(state(self.disk().log()), state(self.memory.log()), "{channel}");
        }
    }

    /// The file has what memory has, from any place on, in pages of any size.
    async fn compare_pages(&self, selectors: &[&str], after: u64, messages: usize) {
        let known = in_memory(&self.memory.log(), selectors);
        let head = self.disk().log().head().seq;
        let (mut at, mut found) = (after, Vec::new());
        while at < head {
            let page = self.disk().older(asks(self.disk(), selectors, at, head, messages)).await.unwrap();
            assert!(page.upto > at && page.records.len() <= messages);
            at = page.upto;
            found.extend(page.records);
        }
        let is_kept = |log: &Log, channel: &ChannelName, seq: u64| {
            log.channel(channel).is_some_and(|info| info.retained > 0 && seq > info.trimmed.seq)
        };
        let memory = self.memory.log();
        let found: Vec<Known> = found
            .into_iter()
            .map(|record| {
                let places =
                    record.places.iter().filter(|place| is_kept(&memory, &place.channel, record.seq));
                let places: Vec<_> = places.map(|place| (place.channel.to_string(), place.prev)).collect();
                (record.seq, record.time, record.message.as_text().unwrap().to_owned(), places)
            })
            .collect();
        let known: Vec<Known> = known.into_iter().filter(|known| known.0 > after).collect();
        assert_eq!(found, known, "{selectors:?} after {after}, {messages} a page");
    }

    async fn compare_places(&self, selectors: &[&str], newest: usize, time: u64) {
        let known = in_memory(&self.memory.log(), selectors);
        let moment = Timestamp::from_millis(time);
        let seek = Seek {
            selectors: select(selectors),
            newest,
            first_at: Some(moment),
            last_before: Some(moment),
            reach: None,
        };
        let mut sought = self.disk().seek(seek).await.unwrap();
        sought.newest.sort_unstable();
        let seqs: Vec<u64> = known.iter().map(|known| known.0).collect();
        assert_eq!(
            sought.newest,
            seqs[seqs.len().saturating_sub(newest)..],
            "newest {newest} of {selectors:?}"
        );
        let first_at = known.iter().find(|known| known.1 >= moment).map(|known| known.0);
        assert_eq!(sought.first_at, first_at, "{selectors:?} at {time}");
        for selector in select(selectors) {
            let own = in_memory(&self.memory.log(), &[selector.as_str()]);
            let last = own.iter().rev().find(|known| known.1 < moment);
            let last = last.map(|known| Mark { seq: known.0, time: known.1 });
            let found =
                sought.last_before.iter().find(|(known, _)| *known == selector).map(|(_, mark)| *mark);
            assert_eq!(found, last, "{selector:?} before {time}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn l6_the_file_keeps_and_finds_what_memory_does(
        ops in prop::collection::vec(op(), 1..60),
        looks in prop::collection::vec((0..ASKED.len(), 0..60u64, 1..5usize, 0..6usize, 0..400u64), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut life = Life::new();
            for op in ops {
                life.live(op).await;
                life.compare_channels();
            }
            for (asked, after, messages, newest, ago) in looks {
                let after = after.min(life.disk().log().head().seq.saturating_sub(1));
                life.compare_pages(ASKED[asked], after, messages).await;
                life.compare_places(ASKED[asked], newest, life.now - ago).await;
            }
        });
    }
}
