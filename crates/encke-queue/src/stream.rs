//! A Redis stream as a queue.

mod reply;

use std::time::{Duration, Instant};

use redis::{Cmd, RedisError, RedisResult, Value};

use crate::{
    Job, Queue, QueueError,
    redis::{Lease, Link, RedisUrl, Turn},
};
use reply::Entries;

/// Puts one entry aside, with why and what it said. Telling twice does no harm: it must still be pending.
const BURY: &str = "
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
local letter = {'encke.id', ARGV[2], 'encke.reason', ARGV[3]}
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if entry then
    for at = 1, math.min(#entry[2], 2 * ARGV[5]) do letter[#letter + 1] = entry[2][at] end
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(letter))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if ARGV[6] == '1' then redis.call('XDEL', KEYS[1], ARGV[2]) end
return 1";

/// Fields of an entry that its dead letter has: Lua passes on no more than some thousands.
const LETTER_FIELDS: usize = 1_000;

/// A stream and how it is read. Its limits have names here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisStreamConfig {
    /// The key of the stream.
    pub stream: String,
    /// The group by which it is read. It is made where there is none, and then begins with the oldest entry; for another
    /// beginning, make it by hand.
    pub group: String,
    /// What this node calls itself in the group: the same after each start, and no other node's.
    pub consumer: String,
    /// One node of the group reads at a time, and the others stand by: then the messages of a channel keep their order. If
    /// not, they share the entries among them, and only what one of them gets keeps its order.
    pub one_at_a_time: bool,
    /// A node that is silent for so long has lost its turn.
    pub turn: Duration,
    /// What a node that shares has not published for so long, another one takes over. It should be well below the time for
    /// which keys are remembered.
    pub claim: Duration,
    /// Entries fetched at a time.
    pub batch: usize,
    /// Bytes that should be fetched at a time: when they are exceeded, fewer entries are fetched. One entry always is.
    pub batch_bytes: usize,
    /// Whether published entries are deleted from the stream, beside being acknowledged. Not if others read it too.
    pub delete: bool,
    /// The key of the stream of dead letters.
    pub dead: String,
    /// Dead letters that are kept, or a few more; the oldest go first.
    pub dead_length: usize,
}

impl RedisStreamConfig {
    /// The stream under this key, for the group `encke`, as `consumer`.
    #[must_use]
    pub fn new(stream: &str, consumer: &str) -> Self {
        Self {
            stream: stream.into(),
            group: "encke".into(),
            consumer: consumer.into(),
            one_at_a_time: true,
            turn: Duration::from_secs(10),
            claim: Duration::from_secs(60),
            batch: 128,
            batch_bytes: 8 << 20,
            delete: false,
            dead: format!("{stream}.dead"),
            dead_length: 10_000,
        }
    }
}

/// A Redis stream, read by a group.
///
/// An entry has the fields of [`Job::new`]. From a shell:
///
/// ```text
/// redis-cli XADD encke MAXLEN '~' 100000 '*' channel news data '{"title":"Hello"}'
/// redis-cli XADD encke '*' channel news channel sport data 'Goal!' type text/plain name goal key match-7-goal-3
/// ```
///
/// From Python, with redis-py:
///
/// ```python
/// redis.Redis().xadd("encke", {"channel": "news", "data": json.dumps(item)}, maxlen=100_000)
/// ```
///
/// From PHP, with phpredis:
///
/// ```php
/// $redis->xAdd('encke', '*', ['channel' => 'news', 'data' => json_encode($item)], 100000, true);
/// ```
///
/// What the stream lets go of before it was published (`MAXLEN` too low for an outage) is gone; of what had been fetched
/// already, a dead letter tells. A dead letter has the fields `encke.id` and `encke.reason`, and then those of the
/// entry: mended, it can be put back as it is.
///
/// Each Redis from 6.2 on will do. It reconnects by itself, and makes the group again when it is lost. Beside the two
/// streams it has the key `encke:queue:<stream>:<group>`, which says whose turn it is.
#[derive(Debug)]
pub struct RedisStream {
    url: RedisUrl,
    config: RedisStreamConfig,
    link: Option<Link>,
    lease: Option<Lease>,
    place: Place,
    count: usize,
}

/// From where the next entries come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// What was given to this node and not done, after this id: before a start, or in an answer that was lost.
    Own(String),
    /// What was given to others and not done, from this id on.
    Theirs { from: String, idle: Duration },
    /// What is new; from this moment on, what others have left is looked for.
    New { until: Instant },
}

impl RedisStream {
    /// The stream there. Nothing is connected yet.
    #[must_use]
    pub fn new(url: RedisUrl, config: RedisStreamConfig) -> Self {
        let key = format!("encke:queue:{}:{}", config.stream, config.group);
        let lease = config.one_at_a_time.then(|| Lease::new(key, config.turn));
        let count = config.batch.max(1);
        Self { url, config, link: None, lease, place: Place::Own("0".into()), count }
    }

    /// Where it begins: with what was given out and not done. Whose turn it is takes over from all.
    fn first(&self) -> Place {
        let from = "0".to_owned();
        if self.lease.is_some() { Place::Theirs { from, idle: Duration::ZERO } } else { Place::Own(from) }
    }

    async fn next(&mut self, link: &mut Link, mut wait: Duration) -> RedisResult<Vec<Job>> {
        if let Some(lease) = &mut self.lease {
            match lease.hold(link).await? {
                Turn::Own => {}
                // Whoever had it before is gone: what he has left comes first, in its order.
                Turn::New => self.place = self.first(),
                Turn::Others => {
                    tokio::time::sleep(wait.min(self.config.turn / 3)).await;
                    return Ok(Vec::new());
                }
            }
            // So nothing is given to a node that is gone after another one has looked for what it left.
            wait = wait.min(self.config.turn / 3);
        }
        loop {
            match &self.place {
                Place::Own(after) => {
                    let entries = self.read(link, after, None).await?;
                    match entries.last() {
                        Some(last) => self.place = Place::Own(last.into()),
                        None => self.place = Place::New { until: Instant::now() },
                    }
                    if entries.last().is_some() {
                        return Ok(self.jobs(entries));
                    }
                }
                Place::New { until } if self.lease.is_none() && Instant::now() >= *until => {
                    self.place = Place::Theirs { from: "0".into(), idle: self.config.claim };
                }
                Place::New { .. } => {
                    let entries = self.read(link, ">", Some(wait)).await?;
                    return Ok(self.jobs(entries));
                }
                Place::Theirs { from, idle } => {
                    let (next, entries) = self.claim(link, from, *idle).await?;
                    self.place = match next.as_str() {
                        "0-0" => Place::New { until: Instant::now() + self.config.claim / 2 },
                        _ => Place::Theirs { from: next, idle: *idle },
                    };
                    if entries.last().is_some() {
                        return Ok(self.jobs(entries));
                    }
                }
            }
        }
    }

    async fn read(&self, link: &mut Link, after: &str, block: Option<Duration>) -> RedisResult<Entries> {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.config.group).arg(&self.config.consumer).arg("COUNT").arg(self.count);
        if let Some(wait) = block {
            // 0 would be for ever.
            read.arg("BLOCK").arg(wait.as_millis().clamp(1, 60_000) as u64);
        }
        read.arg("STREAMS").arg(&self.config.stream).arg(after);
        reply::read(link.ask_for(&read, block.unwrap_or_default()).await?)
    }

    async fn claim(&self, link: &mut Link, from: &str, idle: Duration) -> RedisResult<(String, Entries)> {
        let mut claim = self.command("XAUTOCLAIM");
        claim.arg(&self.config.consumer).arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
        let claimed = reply::claimed(link.ask(claim.arg(from).arg("COUNT").arg(self.count)).await?)?;
        if claimed.deleted > 0 {
            let (stream, entries) = (&self.config.stream, claimed.deleted);
            tracing::warn!(stream, entries, "the stream let go of entries before they were published");
        }
        Ok((claimed.next, claimed.entries))
    }

    /// Remembers how large entries are, so that the next time not too much comes.
    fn jobs(&mut self, entries: Entries) -> Vec<Job> {
        let (number, bytes) = (entries.len(), entries.bytes().max(1));
        if number > 0 {
            let fitting = self.config.batch_bytes.saturating_mul(number) / bytes;
            self.count = fitting.min(self.count * 2).clamp(1, self.config.batch.max(1));
        }
        entries.into_jobs()
    }

    /// A command about the stream and its group.
    fn command(&self, name: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(&self.config.stream).arg(&self.config.group);
        command
    }

    /// The connection; where there was none, there is the group too afterwards.
    async fn link(&mut self) -> RedisResult<Link> {
        if let Some(link) = self.link.take() {
            return Ok(link);
        }
        // Entries may have been given to this node in an answer that it never got.
        self.place = self.first();
        let mut link = Link::open(&self.url).await?;
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&self.config.stream).arg(&self.config.group).arg("0").arg("MKSTREAM");
        match link.ask::<Value>(&create).await {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
            _ => Ok(link),
        }
    }
}

fn unavailable(error: &RedisError) -> QueueError {
    QueueError::new(format!("redis: {error}"))
}

impl Queue for RedisStream {
    async fn fetch(&mut self, wait: Duration) -> Result<Vec<Job>, QueueError> {
        let mut link = self.link().await.map_err(|error| unavailable(&error))?;
        let jobs = self.next(&mut link, wait).await.map_err(|error| unavailable(&error))?;
        self.link = Some(link);
        Ok(jobs)
    }

    async fn done(&mut self, ids: &[String]) -> Result<(), QueueError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut link = self.link().await.map_err(|error| unavailable(&error))?;
        let mut commands = redis::pipe();
        let delete = redis::cmd("XDEL").arg(&self.config.stream).arg(ids).take();
        commands.add_command(self.command("XACK").arg(ids).take());
        if self.config.delete {
            commands.add_command(delete);
        }
        link.say(&commands).await.map_err(|error| unavailable(&error))?;
        self.link = Some(link);
        Ok(())
    }

    async fn bury(&mut self, id: &str, reason: &str) -> Result<(), QueueError> {
        let mut link = self.link().await.map_err(|error| unavailable(&error))?;
        let mut bury = redis::cmd("EVAL");
        bury.arg(BURY).arg(2).arg(&self.config.stream).arg(&self.config.dead);
        bury.arg(&self.config.group).arg(id).arg(reason).arg(self.config.dead_length).arg(LETTER_FIELDS);
        link.ask::<u8>(bury.arg(u8::from(self.config.delete))).await.map_err(|error| unavailable(&error))?;
        self.link = Some(link);
        Ok(())
    }

    async fn leave(&mut self) {
        if let (Some(lease), Some(link)) = (&mut self.lease, &mut self.link) {
            lease.release(link).await;
        }
    }
}
