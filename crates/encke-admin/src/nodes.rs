//! The nodes of the system.

use std::collections::BTreeMap;

use encke_core::Timestamp;
use encke_http::denied;
use encke_hub::{Counts, Health, NodeInfo};
use encke_wire::time_text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    call::{Answer, Call, Nothing},
    table::Table,
    values::{per_second, seconds},
};

pub(crate) fn operations(table: Table) -> Table {
    table.get(("nodes", "listNodes"), "The nodes of the system, first the one that answers", nodes).get(
        ("rates", "showRates"),
        "How much goes through the node",
        rates,
    )
}

/// The nodes of the system.
#[derive(Serialize, JsonSchema)]
struct Nodes {
    nodes: Vec<NodeShown>,
}

/// One of the nodes of the system.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NodeOfMany")]
struct NodeShown {
    /// Its name.
    name: String,
    /// The number of its life: another one when it has started again.
    id: String,
    /// The version of encke.
    version: String,
    /// Since when.
    began: String,
    /// How long, in seconds.
    uptime: u64,
    /// Whether it has answered; if not, there is no more to say of it.
    answered: bool,
    #[serde(flatten)]
    state: Option<StateShown>,
}

/// How a node is.
#[derive(Serialize, JsonSchema)]
struct StateShown {
    /// Whether it is being drained.
    draining: bool,
    /// What is wrong with its engine, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    ill: Option<String>,
    /// Live subscriptions for each transport.
    subscriptions: BTreeMap<&'static str, usize>,
    rates: Rates,
}

/// How much goes through the node, in each second. Nothing, until it is two seconds old.
#[derive(Serialize, JsonSchema)]
struct Rates {
    /// In the last second.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<PerSecond>,
    /// In the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    minute: Option<PerSecond>,
}

/// How much in each second.
#[derive(Serialize, JsonSchema)]
struct PerSecond {
    /// Messages stored.
    published: f64,
    /// Messages handed to subscriptions.
    delivered: f64,
    /// Gaps handed to subscriptions.
    gaps: f64,
    /// Subscriptions opened.
    opened: f64,
    /// Publishes and subscriptions refused, whatever for.
    refused: f64,
    /// Refusals of access.
    denied: f64,
}

async fn nodes(call: Call, _: Nothing) -> Answer<Nodes> {
    let now = call.hub().now();
    let nodes = call.hub().nodes(&call.grant).await.map_err(denied)?;
    Ok(Nodes { nodes: nodes.into_iter().map(|node| NodeShown::new(node, now)).collect() })
}

async fn rates(call: Call, _: Nothing) -> Answer<Rates> {
    Ok(Rates::of(&call.hub().samples()))
}

impl NodeShown {
    fn new(node: NodeInfo, now: Timestamp) -> Self {
        let state = node.state.map(|state| StateShown {
            draining: state.draining,
            ill: match state.health {
                Health::Ill(why) => Some(why),
                _ => None,
            },
            subscriptions: state.subscriptions.into_iter().collect(),
            rates: Rates::of(&state.samples),
        });
        Self {
            name: node.name.to_string(),
            id: node.id.to_string(),
            version: node.version.to_string(),
            began: time_text(node.began),
            uptime: seconds(node.began, now),
            answered: state.is_some(),
            state,
        }
    }
}

impl Rates {
    /// By what was done when, the oldest first.
    fn of(samples: &[(Timestamp, Counts)]) -> Self {
        let before = |steps: usize| samples.len().checked_sub(1 + steps).and_then(|at| samples.get(at));
        let between = |first: Option<&_>| Some(PerSecond::between(first?, before(0)?));
        let minute = if samples.len() > 1 { between(samples.first()) } else { None };
        Self { now: between(before(1)), minute }
    }
}

impl PerSecond {
    fn between((from, before): &(Timestamp, Counts), (to, after): &(Timestamp, Counts)) -> Self {
        let millis = to.as_millis().saturating_sub(from.as_millis());
        let rate = |count: fn(&Counts) -> u64| per_second(count(after).saturating_sub(count(before)), millis);
        Self {
            published: rate(|counts| counts.published),
            delivered: rate(|counts| counts.delivered),
            gaps: rate(|counts| counts.gaps),
            opened: rate(|counts| counts.subscribed),
            refused: rate(|counts| counts.refused + counts.turned_away),
            denied: rate(|counts| counts.denied),
        }
    }
}
