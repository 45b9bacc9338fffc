//! What is done to live subscriptions.

use encke_core::Selector;
use encke_http::denied;
use encke_hub::Whom;
use encke_wire::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Answer, Call, Nothing},
    clients::gone,
    table::Table,
    values::{Concerned, Followed},
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
}

async fn disconnect_one(call: Call, One { id }: One, _: Nothing) -> Answer<Done> {
    match end(&call, &Concerned::Subscription(id).into()).await? {
        Done { concerned: 0 } => Err(gone()),
        done => Ok(done),
    }
}

async fn disconnect(call: Call, _: Nothing, Disconnect { whom }: Disconnect) -> Answer<Done> {
    end(&call, &whom.into()).await
}

async fn end(call: &Call, whom: &Whom) -> Answer<Done> {
    let concerned = call.hub().disconnect(&call.grant, whom).await.map_err(denied)?;
    Ok(Done { concerned })
}

async fn subscribe(call: Call, _: Nothing, body: Follow) -> Answer<Done> {
    let (whom, selectors) = body.read(&call)?;
    let concerned = call.hub().follow_for(&call.grant, &whom, &selectors).await.map_err(denied)?;
    Ok(Done { concerned })
}

async fn unsubscribe(call: Call, _: Nothing, body: Follow) -> Answer<Done> {
    let (whom, selectors) = body.read(&call)?;
    let mut concerned = 0;
    for selector in &selectors {
        let told = call.hub().unfollow_for(&call.grant, &whom, selector).await.map_err(denied)?;
        concerned = concerned.max(told);
    }
    Ok(Done { concerned })
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
