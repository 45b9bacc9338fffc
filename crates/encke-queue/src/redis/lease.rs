use std::time::{Duration, Instant};

use redis::RedisResult;

use super::Link;

/// Takes it if it is free, and keeps it if it is one's own.
const HOLD: &str = "
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return owner and 2 or 1";

const RELEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Whose turn it is among those who do the same: a key in Redis that goes by itself.
#[derive(Debug)]
pub(crate) struct Lease {
    key: String,
    owner: String,
    time: Duration,
    held_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has just come: what others did before is not known.
    New,
    Own,
    Others,
}

impl Lease {
    pub(crate) fn new(key: String, time: Duration) -> Self {
        let owner = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self { key, owner, time, held_until: None }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is still one's own, by one's own clock, which began to count before Redis did.
    pub(crate) fn is_held(&self) -> bool {
        self.held_until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes it or keeps it. Redis is asked only when a third of its time is over.
    pub(crate) async fn hold(&mut self, link: &mut Link) -> RedisResult<Turn> {
        let begin = Instant::now();
        if self.held_until.is_some_and(|until| begin + self.time.mul_f64(2.0 / 3.0) < until) {
            return Ok(Turn::Own);
        }
        let mut hold = redis::cmd("EVAL");
        hold.arg(HOLD).arg(1).arg(&self.key).arg(&self.owner);
        let answer: u8 = link.ask(hold.arg(u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX))).await?;
        let was_held = self.is_held();
        self.held_until = (answer > 0).then(|| begin + self.time);
        Ok(match answer {
            0 => Turn::Others,
            // It was one's own in Redis, but perhaps another's in between.
            2 if was_held => Turn::Own,
            _ => Turn::New,
        })
    }

    /// Lets others have it at once.
    pub(crate) async fn release(&mut self, link: &mut Link) {
        if self.held_until.take().is_some() {
            let mut release = redis::cmd("EVAL");
            // If that fails, it goes by itself.
            let _ = link.ask::<u8>(release.arg(RELEASE).arg(1).arg(&self.key).arg(&self.owner)).await;
        }
    }
}
