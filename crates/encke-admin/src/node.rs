//! The node itself.

use std::collections::BTreeMap;

use encke_http::denied;
use encke_hub::{Action, Counts, Denied, Refusal};
use encke_wire::{Problem, time_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    Fact,
    call::{Answer, Call, Nothing},
    table::Table,
    values::{PageSize, names, seconds},
};

pub(crate) fn operations(table: Table) -> Table {
    table
        .get(("node", "showNode"), "The node: what it is, holds and may hold", node)
        .get(("refusals", "listRefusals"), "Who was refused what and why, the newest first", refusals)
        .post(("drain", "drain"), "Has the node send everybody away, and end", drain)
        .get(("openapi.json", "openapi"), "This document", openapi)
}

/// The node.
#[derive(Serialize, JsonSchema)]
struct Node {
    /// What it is called, where there may be others.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The version of encke.
    version: &'static str,
    /// The life of its log.
    epoch: String,
    /// The place of the last message.
    head: String,
    /// Since when.
    began: String,
    /// How long, in seconds.
    uptime: u64,
    /// Whether it is being drained.
    draining: bool,
    /// Live subscriptions for each transport.
    subscriptions: BTreeMap<&'static str, usize>,
    /// Channels that have members, where that is kept.
    occupied: usize,
    /// Members of all channels together.
    members: usize,
    counts: CountsShown,
    limits: Limits,
    /// What the host knows of its process.
    process: BTreeMap<String, FactShown>,
}

/// What the node has done since it began.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
struct CountsShown {
    /// Messages stored.
    published: u64,
    /// Publishes answered from their key.
    repeated: u64,
    /// Publishes refused.
    refused: u64,
    /// Messages handed to subscriptions.
    delivered: u64,
    /// Gaps handed to subscriptions.
    gaps: u64,
    /// Subscriptions opened.
    opened: u64,
    /// Subscriptions refused.
    turned_away: u64,
    /// Refusals of access, whatever for.
    denied: u64,
}

/// How much there is of what there may be.
#[derive(Serialize, JsonSchema)]
struct Limits {
    /// Bytes retained.
    bytes: Used,
    channels: Used,
    subscriptions: Used,
    bans: Used,
    members: Used,
}

/// How much is used.
#[derive(Serialize, JsonSchema)]
struct Used {
    used: usize,
    limit: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Fact")]
enum FactShown {
    Number(u64),
    Text(String),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// So many at most.
    #[serde(default)]
    limit: PageSize,
}

/// Some of the last thousand refusals.
#[derive(Serialize, JsonSchema)]
struct Refusals {
    refusals: Vec<RefusalShown>,
    /// Nodes that did not answer, and so are not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

/// Somebody who might not do something.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Refusal")]
struct RefusalShown {
    /// When.
    at: String,
    /// What he wanted to do: `publish`, `subscribe`, `presence`, `inspect`, `delete`, `administer`.
    action: &'static str,
    /// On which channel or pattern; the first, if there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// `unauthenticated`, `forbidden`, `expired`, `revoked` or `undecided`.
    reason: &'static str,
    /// The same in words.
    why: String,
    /// The verified subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// A drain has begun.
#[derive(Serialize, JsonSchema)]
struct Drain {
    draining: bool,
}

async fn node(call: Call, _: Nothing) -> Answer<Node> {
    let (hub, log) = (call.hub(), call.hub().log_info());
    let members = hub.presence_counts();
    let used = |used, limit| Used { used, limit };
    let facts = call.shared.config.facts.as_ref().map(|facts| facts()).unwrap_or_default();
    let facts = facts.into_iter().map(|(name, fact)| match fact {
        Fact::Number(number) => (name, FactShown::Number(number)),
        Fact::Text(text) => (name, FactShown::Text(text)),
    });
    Ok(Node {
        name: hub.node_name().map(|name| name.to_string()),
        version: env!("CARGO_PKG_VERSION"),
        epoch: log.head.epoch.to_string(),
        head: log.head.to_string(),
        began: time_text(hub.began()),
        uptime: seconds(hub.began(), hub.now()),
        draining: hub.is_draining(),
        subscriptions: hub.subscriptions().into_iter().collect(),
        occupied: members.channels,
        members: members.members,
        counts: hub.counts().into(),
        limits: Limits {
            bytes: used(log.bytes, hub.log_config().bytes),
            channels: used(log.channels, hub.log_config().channels),
            subscriptions: used(hub.len(), hub.config().subscriptions),
            bans: used(hub.ban_count(), hub.config().bans),
            members: used(members.members, hub.config().presence.members),
        },
        process: facts.collect(),
    })
}

async fn refusals(call: Call, List { limit }: List) -> Answer<Refusals> {
    let all = call.hub().refusals(&call.grant, limit.0).await.map_err(denied)?;
    let refusals = all.answer.into_iter().map(RefusalShown::from).collect();
    Ok(Refusals { refusals, silent: names(&all.silent) })
}

async fn drain(call: Call, _: Nothing, _: Nothing) -> Answer<Drain> {
    let Some(drain) = &call.shared.config.drain else {
        return Err(Problem::not_found("this node cannot be drained from here: its host has given no way"));
    };
    drain();
    Ok(Drain { draining: true })
}

/// The document, as it is.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct Document(#[schemars(with = "Map<String, Value>")] Box<RawValue>);

async fn openapi(call: Call, _: Nothing) -> Answer<Document> {
    Ok(Document(call.shared.document.clone()))
}

impl From<Counts> for CountsShown {
    fn from(counts: Counts) -> Self {
        Self {
            published: counts.published,
            repeated: counts.repeated,
            refused: counts.refused,
            delivered: counts.delivered,
            gaps: counts.gaps,
            opened: counts.subscribed,
            turned_away: counts.turned_away,
            denied: counts.denied,
        }
    }
}

impl From<Refusal> for RefusalShown {
    fn from(refusal: Refusal) -> Self {
        let who = refusal.who;
        Self {
            at: time_text(refusal.at),
            action: match refusal.action {
                Action::Publish => "publish",
                Action::Subscribe => "subscribe",
                Action::Presence => "presence",
                Action::Inspect => "inspect",
                Action::Delete => "delete",
                Action::Administer => "administer",
                _ => "other",
            },
            channel: refusal.on.map(|on| on.as_str().to_owned()),
            reason: match refusal.why {
                Denied::Unauthenticated => "unauthenticated",
                Denied::Forbidden => "forbidden",
                Denied::Expired => "expired",
                Denied::Revoked => "revoked",
                _ => "undecided",
            },
            why: refusal.why.to_string(),
            subject: who.subject.as_deref().map(str::to_owned),
            client: who.client.as_deref().map(str::to_owned),
            address: who.address.map(|address| address.to_string()),
        }
    }
}
