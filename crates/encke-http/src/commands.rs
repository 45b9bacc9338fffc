//! What commands do, on whatever transport they come.

use std::{collections::BTreeMap, sync::Arc};

use encke_core::{Publish, Selector};
use encke_hub::{Action, Asker, Durability, Grant, Hub};
use encke_wire::{Json, Member, MemberList, PresenceCommand, Problem, Receipt, channel_name, time_text};

use futures_util::future::join_all;

use crate::{ask, denied, publish_problem};

/// Members of a page, at most, and where the command does not say.
const PAGE: (u64, u64) = (1_000, 100);

/// A publish by somebody who may.
struct Allowed {
    grant: Grant,
    publish: Publish,
    /// Of each subject whose own channel it goes to, whether he was there.
    present: BTreeMap<String, bool>,
}

/// Publishes for `asker`, if he may. The receipt says of each subject whose own channel it goes to whether he is there.
///
/// # Errors
/// [`Problem`] if it is not stored.
pub async fn store(hub: &Hub, asker: &Arc<Asker>, publish: Publish) -> Result<Receipt, Problem> {
    put(hub, allow(hub, asker, publish).await?).await
}

/// Like [`store`], for several: each is allowed or not by itself, and all that are get stored in their order, together.
/// An engine that waits for a disk then waits once.
pub async fn store_all(
    hub: &Hub,
    asker: &Arc<Asker>,
    publishes: Vec<Result<Publish, Problem>>,
) -> Vec<Result<Receipt, Problem>> {
    let mut allowed = Vec::with_capacity(publishes.len());
    for publish in publishes {
        allowed.push(match publish {
            Ok(publish) => allow(hub, asker, publish).await,
            Err(problem) => Err(problem),
        });
    }
    join_all(allowed.into_iter().map(async |allowed| put(hub, allowed?).await)).await
}

async fn allow(hub: &Hub, asker: &Arc<Asker>, publish: Publish) -> Result<Allowed, Problem> {
    let selectors = publish.channels().iter().cloned().map(Selector::Channel).collect();
    let grant = ask(hub, asker, Action::Publish, selectors).await?;
    // Looked at before it is stored: who comes later was not there for it.
    let subjects = publish.channels().iter().filter_map(|channel| channel.as_str().strip_prefix('@'));
    let present = subjects.map(|subject| Ok((subject.to_owned(), hub.is_present(&grant, subject)?)));
    let present = present.collect::<Result<_, _>>().map_err(denied)?;
    Ok(Allowed { grant, publish, present })
}

async fn put(hub: &Hub, allowed: Allowed) -> Result<Receipt, Problem> {
    let Allowed { grant, publish, present } = allowed;
    let appended = hub.publish(&grant, publish).await.map_err(publish_problem)?;
    let relaxed = hub.durability() == Durability::Relaxed;
    let durability = relaxed.then(|| Durability::Relaxed.as_str().into());
    Ok(Receipt { present, durability, ..Receipt::from(appended) })
}

/// A page of those who are on a channel, for `asker`, if he may see them.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn members(
    hub: &Hub,
    asker: &Arc<Asker>,
    command: &PresenceCommand,
) -> Result<MemberList, Problem> {
    let channel = channel_name(&command.channel)?;
    let after = command.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|_| Problem::bad_request("after is what a page before has as next"))?;
    let limit = command.limit.unwrap_or(PAGE.1);
    if !(1..=PAGE.0).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is a whole number from 1 to {}", PAGE.0)));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let grant = ask(hub, asker, Action::Presence, vec![channel.clone().into()]).await?;
    let members = hub.members(&grant, &channel, after.as_ref(), limit).map_err(denied)?;
    if !hub.keeps_members(&channel) {
        return Err(Problem::not_found("it is not kept who is on this channel"));
    }
    Ok(MemberList {
        channel: command.channel.clone(),
        count: members.count,
        members: members.members.into_iter().map(member).collect(),
        next: members.next.map(|next| next.to_string()),
    })
}

fn member(member: encke_hub::Member) -> Member {
    let connections = member.connections();
    // What is no JSON is shown to nobody.
    let info = member.info.and_then(|info| std::str::from_utf8(&info).ok()?.parse::<Json>().ok());
    Member {
        key: member.key.to_string(),
        subject: member.key.subject().map(ToString::to_string),
        clients: member.clients.iter().map(ToString::to_string).collect(),
        info,
        since: time_text(member.since),
        transports: member.transports.into_iter().map(|(label, count)| (label.to_owned(), count)).collect(),
        connections,
        addresses: member.addresses,
    }
}
