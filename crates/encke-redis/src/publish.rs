use std::sync::Arc;

use encke_core::{Admission, AppendError, Appended, Cursor, Log, Publish, Retention, Timestamp};
use encke_hub::EngineError;
use redis::{Cmd, Value};

use crate::{
    error::Fault,
    link::Link,
    node::Inner,
    progress::Fed,
    record::{self, Id},
    script::Script,
    value::{as_number, as_text},
};

/// How often a publish that was refused, and so not stored, goes to the next link.
const TRIES: usize = 8;

/// Stores a message. When this returns, the node's log has it.
pub(crate) async fn store(
    inner: &Arc<Inner>,
    publish: Publish,
    now: Timestamp,
) -> Result<Appended, EngineError> {
    let _permit = inner.in_flight.acquire().await.map_err(|_| EngineError::Unavailable)?;
    let packed = record::pack(publish.message());
    for _ in 0..TRIES {
        let link = inner.link().await?;
        let fed = inner.fed();
        match fed.log.admit(&publish, now).map_err(EngineError::Refused)? {
            Admission::New => {}
            Admission::Repeated(cursor) => return Ok(Appended { cursor, followers: 0, repeated: true }),
        }
        let call = call(inner, &link, &fed.log, &publish, &packed, now);
        let Some(answer) = run(inner, &link, &call).await? else { continue };
        let seq = answer.get(1).and_then(as_number);
        let repeated = match (answer.first().and_then(as_text), seq) {
            (Some("stored"), Some(_)) => false,
            (Some("again"), Some(_)) => true,
            (Some("conflict"), _) => return Err(EngineError::Refused(AppendError::KeyConflict)),
            (Some("keys"), _) => return Err(EngineError::Refused(AppendError::TooManyKeys)),
            _ => return Err(EngineError::Unavailable),
        };
        inner.ails(None);
        let id = Id { seq: seq.unwrap_or_default(), part: 0 };
        let fed = reach(inner, fed, &link, id).await?;
        let followers = if repeated { 0 } else { fed.followers(id.seq) };
        return Ok(Appended { cursor: Cursor { epoch: link.epoch, seq: id.seq }, followers, repeated });
    }
    Err(EngineError::Unavailable)
}

/// Calls a script that changes something. Nothing if that was refused, so that another link has to be waited for.
pub(crate) async fn run(
    inner: &Inner,
    link: &Arc<Link>,
    call: &Cmd,
) -> Result<Option<Vec<Value>>, EngineError> {
    match link.run(call).await {
        Ok(answer) if answer.first().and_then(as_text) == Some("life") => {
            inner.lose(link, "it has another life of the log");
            Ok(None)
        }
        Ok(answer) => Ok(Some(answer)),
        Err(fault) => {
            if matches!(fault, Fault::NoScript | Fault::NoSpace | Fault::Failed(_)) {
                inner.ails(Some(fault.to_string()));
            }
            let error = inner.failed(link, &fault);
            if matches!(fault, Fault::Refused(_)) { Ok(None) } else { Err(error) }
        }
    }
}

/// Waits until the node's log has been fed up to `id`, also if it becomes another log of the same life meanwhile.
pub(crate) async fn reach(
    inner: &Inner,
    mut fed: Arc<Fed>,
    link: &Link,
    id: Id,
) -> Result<Arc<Fed>, EngineError> {
    while fed.log.head().epoch == link.epoch {
        if fed.wait(id).await {
            return Ok(fed);
        }
        fed = inner.fed();
    }
    Err(EngineError::Unavailable)
}

fn call(inner: &Inner, link: &Link, log: &Log, publish: &Publish, packed: &[u8], now: Timestamp) -> Cmd {
    let limits = &inner.limits;
    let mut call = link.script(Script::Publish);
    call.arg(link.epoch.bits()).arg(&link.history).arg(log.head().seq).arg(now.as_millis());
    call.arg(packed).arg(size(publish));
    call.arg(publish.key().map_or("", |key| key.as_str()));
    call.arg(&publish.key().map_or([0; 16], |_| publish.fingerprint().bytes())[..]);
    call.arg(millis(limits.key_window)).arg(limits.keys);
    call.arg(inner.config.log_count).arg(inner.config.log_bytes.max(1)).arg(limits.tombstones);
    for name in publish.channels() {
        let Retention { count, bytes, age } = log.retention_of(name);
        call.arg(name.as_str()).arg(whole(count)).arg(whole(bytes)).arg(millis(age));
    }
    call
}

/// What the message counts for, as `Record::size` has it.
fn size(publish: &Publish) -> usize {
    let message = publish.message();
    let content_type = if message.has_content_type() { message.content_type().len() } else { 0 };
    message.data().len() + content_type + message.name().map_or(0, str::len) + Retention::OVERHEAD
}

/// The largest number that scripts count with.
const MOST: u64 = 1 << 52;

fn whole(number: usize) -> u64 {
    u64::try_from(number).map_or(MOST, |number| number.min(MOST))
}

pub(crate) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).map_or(MOST, |number| number.min(MOST))
}
