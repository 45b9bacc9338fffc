//! What is done to live subscriptions.

use encke_core::Selector;
use encke_http::denied;
use encke_hub::{Joint, Whom};
use encke_wire::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Answer, Call, Nothing},
    clients::gone,
    table::Table,
    values::{Concerned, Followed, names},
};

pub(crate) fn operations(table: Table) -> Table {
    table
        .post(("clients/{id}/disconnect", "disconnectClient"), "Ends one live subscription", disconnect_one)
        .post(
            ("disconnect", "disconnect"),
            "Ends live subscriptions, whose clients may come back",
            disconnect,
        )
        .post(("subscribe", "subscribe"), "Has live subscriptions follow channels too", subscribe)
        .post(("unsubscribe", "unsubscribe"), "Has live subscriptions follow channels no longer", unsubscribe)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// The number of the subscription.
    id: u64,
}

/// Whose live subscriptions end.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Disconnect {
    whom: Concerned,
}

/// What live subscriptions follow too, or no longer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Follow {
    whom: Concerned,
    /// Channels and patterns; what overlaps one of them is followed no longer.
    channels: Vec<Followed>,
}

/// How many live subscriptions it concerned.
#[derive(Serialize, JsonSchema)]
struct Done {
    concerned: usize,
    /// Nodes that did not answer: what is there may go on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

impl From<Joint<usize>> for Done {
    fn from(done: Joint<usize>) -> Self {
        Self { concerned: done.answer, silent: names(&done.silent) }
    }
}

async fn disconnect_one(call: Call, One { id }: One, _: Nothing) -> Answer<Done> {
    let whom = Concerned::Subscription(id).into();
    let done = call.hub().disconnect(&call.grant, &whom).await.map_err(denied)?;
    if done.answer == 0 { Err(gone(&done.silent)) } else { Ok(done.into()) }
}

async fn disconnect(call: Call, _: Nothing, Disconnect { whom }: Disconnect) -> Answer<Done> {
    call.hub().disconnect(&call.grant, &whom.into()).await.map(Done::from).map_err(denied)
}

async fn subscribe(call: Call, _: Nothing, body: Follow) -> Answer<Done> {
    let (whom, selectors) = body.read(&call)?;
    call.hub().follow_for(&call.grant, &whom, &selectors).await.map(Done::from).map_err(denied)
}

async fn unsubscribe(call: Call, _: Nothing, body: Follow) -> Answer<Done> {
    let (whom, selectors) = body.read(&call)?;
    let mut done = Joint::default();
    for selector in &selectors {
        let told = call.hub().unfollow_for(&call.grant, &whom, selector).await.map_err(denied)?;
        done.answer = told.answer.max(done.answer);
        done.silent.extend(told.silent);
        done.silent.sort_unstable();
        done.silent.dedup();
    }
    Ok(done.into())
}

impl Follow {
    fn read(self, call: &Call) -> Answer<(Whom, Vec<Selector>)> {
        let limit = call.hub().config().selectors;
        if self.channels.is_empty() || self.channels.len() > limit {
            return Err(Problem::bad_request(format!("channels has 1 to {limit} names and patterns")));
        }
        Ok((self.whom.into(), self.channels.into_iter().map(|channel| channel.0).collect()))
    }
}
