//! One task for each node reads the log as it comes, and feeds it. It begins where the node is: catching up after an
//! outage and following live are the same.

use std::{convert::Infallible as Never, fmt::Display, sync::Arc, time::Duration};

use redis::{Value, aio::MultiplexedConnection};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    RedisError,
    error::Fault,
    link::Link,
    load::load,
    node::Inner,
    progress::Fed,
    record::{self, Content, Entry},
    value::into_list,
};

/// Entries at a time, at most. It begins with few, and takes more while they are small.
const ENTRIES: usize = 256;
const FIRST_ENTRIES: usize = 16;
/// Bytes at a time that are too many.
const BYTES: usize = 1 << 20;
/// Readers that are woken at a time.
const WAKE_SLICE: usize = 256;
/// How long Redis waits for something new. Then the node looks whether it is still the same Redis.
const BLOCK: Duration = Duration::from_secs(1);
/// The pause before the first attempt to connect anew, at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Why following ends.
enum Break {
    /// The log has been cut behind the node's place.
    Hole,
    Lost(String),
}

impl<E: Display> From<E> for Break {
    fn from(error: E) -> Self {
        Self::Lost(error.to_string())
    }
}

/// Follows for ever, with one link after the other.
pub(crate) async fn run(inner: Arc<Inner>, mut link: Arc<Link>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let why = keep_up(&inner, &link).await;
        inner.lose(&link, &why);
        if began.elapsed() > PAUSE {
            pause = FIRST_PAUSE;
        }
        link = loop {
            // At random, so that not all nodes come at once.
            sleep(pause.mul_f64(fastrand::f64())).await;
            pause = (2 * pause).min(PAUSE);
            match connect(&inner).await {
                Ok(link) => break link,
                Err(error) => inner.still_down(&error.to_string()),
            }
        };
        inner.up(&link);
    }
}

/// A new link; and a new log, if the server's goes another way than the node's.
async fn connect(inner: &Inner) -> Result<Arc<Link>, RedisError> {
    let fed = inner.fed();
    let known = fed.log.head();
    let (link, head) = Link::open(&inner.connector, &inner.keys, Some((known.epoch, known.seq))).await?;
    if link.epoch != known.epoch || head < fed.reached() {
        inner.replace(load(&link, &inner.limits).await?);
    }
    Ok(Arc::new(link))
}

/// Follows with one link, and says why that ended. Where the log has been cut, a new one is loaded.
async fn keep_up(inner: &Inner, link: &Arc<Link>) -> String {
    let mut connection = match link.open_waiting().await {
        Ok(connection) => connection,
        Err(error) => return error.to_string(),
    };
    loop {
        if let Err(Break::Lost(why)) = follow(inner, link, &mut connection).await {
            return why;
        }
        tracing::warn!(
            "this node has fallen behind what Redis keeps for nodes to follow; its subscribers reconnect"
        );
        match load(link, &inner.limits).await {
            Ok(fed) => inner.replace(fed),
            Err(error) => return error.to_string(),
        }
    }
}

async fn follow(inner: &Inner, link: &Link, connection: &mut MultiplexedConnection) -> Result<Never, Break> {
    let fed = inner.fed();
    let block = BLOCK.as_millis().to_string();
    let mut count = FIRST_ENTRIES;
    loop {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(count).arg("BLOCK").arg(&block);
        read.arg("STREAMS").arg(&link.keys.log).arg(fed.reached().to_string());
        let answer = tokio::select! {
            answer = timeout(BLOCK + inner.time_limit(), read.query_async::<Value>(connection)) => answer,
            () = link.lost.notified() => return Err(Break::from("it does not take publishes any more")),
        };
        let answer = answer.map_err(|_| Fault::timed_out())?.map_err(|error| Fault::of(&error))?;
        if answer == Value::Nil {
            link.check().await?;
            continue;
        }
        let mut bytes = 0;
        for entry in entries(answer).ok_or(RedisError::Foreign("the log"))? {
            let entry = record::entry(entry)?;
            if entry.epoch != link.epoch {
                return Err(Break::from("another life of the log has begun"));
            }
            if !fed.reached().is_next(entry.id) {
                return Err(Break::Hole);
            }
            bytes += feed(&fed, entry).await;
        }
        count = if bytes > BYTES { count.div_ceil(2) } else { (2 * count).min(ENTRIES) };
    }
}

/// Feeds an entry, and returns how large it was.
async fn feed(fed: &Fed, entry: Entry) -> usize {
    match entry.content {
        Content::Message(record, kept) => {
            let size = record.size();
            let told = fed.log.feed(record, &kept);
            fed.reach(entry.id, Some(told.followers));
            let mut wakes = told.wakes;
            while wakes.wake_some(WAKE_SLICE) {
                tokio::task::yield_now().await;
            }
            size
        }
        Content::Settled(settled) => {
            for (name, _, kept) in settled {
                // One that the log does not know has nothing to settle.
                let _ = fed.log.settle(&name, kept);
            }
            fed.reach(entry.id, None);
            0
        }
    }
}

/// The entries of the only stream that was asked for.
fn entries(answer: Value) -> Option<Vec<Value>> {
    let stream = into_list(into_list(answer)?.into_iter().next()?)?;
    into_list(stream.into_iter().nth(1)?)
}
