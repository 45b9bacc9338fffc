use std::sync::Arc;

use encke_core::{ChannelName, Keep, Timestamp};
use encke_hub::EngineError;

use crate::{
    node::Inner,
    publish::{millis, reach, run},
    record::{Id, channel_name},
    script::Script,
    value::{as_number, into_list},
};

/// Messages that go in one step: while Redis lets go of them it does nothing else.
const MESSAGES: usize = 1_000;
/// Channels that are looked at in one step.
const CHANNELS: usize = 100;
/// How often something that was refused, and so not done, goes to the next link.
const TRIES: usize = 8;

/// Lets go of the oldest messages of a channel. When this returns, the node's log knows.
pub(crate) async fn trim(
    inner: &Arc<Inner>,
    name: &ChannelName,
    keep: Keep,
) -> Result<Option<usize>, EngineError> {
    let mut gone = 0;
    let mut refused = 0;
    while refused < TRIES {
        let link = inner.link().await?;
        let fed = inner.fed();
        let (mode, number) = match keep {
            Keep::Newest(count) => ("newest", u64::try_from(count).unwrap_or(u64::MAX)),
            Keep::After(place) if place.epoch == link.epoch => ("after", place.seq),
            Keep::After(_) => ("after", 0),
        };
        let mut call = link.script(Script::Trim);
        call.arg(link.epoch.bits()).arg(&link.history).arg(fed.log.head().seq);
        call.arg(inner.limits.tombstones).arg(MESSAGES).arg(name.as_str()).arg(mode).arg(number);
        let Some(answer) = run(inner, &link, &call).await? else {
            refused += 1;
            continue;
        };
        let number = |at: usize| answer.get(at).and_then(as_number);
        let (Some(dropped), Some(more), Some(seq), Some(part)) = (number(1), number(2), number(3), number(4))
        else {
            // Redis keeps nothing of it. It is a channel all the same if somebody follows it.
            return Ok(fed.log.find(name).map(|_| gone));
        };
        gone += usize::try_from(dropped).unwrap_or(usize::MAX);
        if more == 0 {
            reach(inner, fed, &link, Id { seq, part }).await?;
            return Ok(Some(gone));
        }
    }
    Err(EngineError::Unavailable)
}

/// Lets go of what is too old, in some channels. When this returns, the node's log knows. True if more is due.
pub(crate) async fn expire(inner: &Arc<Inner>, now: Timestamp) -> Result<bool, EngineError> {
    let link = inner.link().await?;
    let mut due = redis::cmd("ZRANGEBYSCORE");
    due.arg(&link.keys.ages).arg("-inf").arg(now.as_millis()).arg("LIMIT").arg(0).arg(CHANNELS);
    let names = link.ask(&due).await.map_err(|fault| inner.failed(&link, &fault))?;
    let names = into_list(names).unwrap_or_default();
    if names.is_empty() {
        return Ok(false);
    }
    let fed = inner.fed();
    let mut call = link.script(Script::Expire);
    call.arg(link.epoch.bits()).arg(&link.history).arg(fed.log.head().seq);
    call.arg(inner.limits.tombstones).arg(MESSAGES).arg(now.as_millis());
    for name in names.iter().filter_map(channel_name) {
        call.arg(name.as_str()).arg(millis(fed.log.retention_of(&name).age));
    }
    let answer = run(inner, &link, &call).await?.unwrap_or_default();
    let number = |at: usize| answer.get(at).and_then(as_number);
    let cut = number(1) == Some(1);
    if let (Some(seq), Some(part)) = (number(2), number(3)) {
        reach(inner, fed, &link, Id { seq, part }).await?;
    }
    Ok(cut || names.len() == CHANNELS)
}
