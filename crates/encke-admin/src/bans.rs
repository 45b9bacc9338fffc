//! Rights that are taken back.

use encke_core::Selector;
use encke_http::denied;
use encke_hub::{Ban, BanError, BanId, BanInfo};
use encke_wire::{Problem, time_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Answer, Call, Nothing},
    table::Table,
    values::{Concerned, Followed, Holder, PageSize, Span, names},
};

pub(crate) fn operations(table: Table) -> Table {
    table
        .post(("kick", "kick"), "Takes one channel away from somebody, for a while", kick)
        .post(
            ("revoke", "revoke"),
            "Takes back what was granted until now; what is issued later holds",
            revoke,
        )
        .post(("bans", "ban"), "Shuts somebody out, for a while", ban)
        .get(("bans", "listBans"), "What is taken back now: a page of it", list)
        .delete(("bans/{id}", "liftBan"), "Gives back what was taken", lift)
}

/// Who loses which channel.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Kick {
    whom: Holder,
    /// A channel, or a pattern.
    channel: Followed,
    /// For how long.
    r#for: Span,
}

/// Who loses what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Revoke {
    whom: Holder,
    /// A channel, or a pattern; everything without it.
    channel: Option<Followed>,
    /// For how long: at least until what was issued has expired.
    r#for: Span,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// After this: `next` of the page before.
    after: Option<u64>,
    /// So many at most.
    #[serde(default)]
    limit: PageSize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// The number of the ban.
    id: u64,
}

/// What a ban has done.
#[derive(Serialize, JsonSchema)]
struct Banned {
    /// Its number.
    ban: u64,
    /// How many live subscriptions it concerned.
    concerned: usize,
    /// Nodes that did not answer. They learn of it when they are heard of again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

/// Rights that are taken back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Ban")]
struct BanShown {
    /// Its number.
    id: u64,
    whom: Concerned,
    /// The channel or pattern; everything without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// Since when.
    since: String,
    /// Until when.
    until: String,
    /// Whether what was issued after it holds.
    spares_new: bool,
}

/// A page of bans.
#[derive(Serialize, JsonSchema)]
struct BanPage {
    bans: Vec<BanShown>,
    /// What to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

async fn kick(call: Call, _: Nothing, body: Kick) -> Answer<Banned> {
    take_back(&call, body.whom, Some(body.channel.0), &body.r#for, false).await
}

async fn revoke(call: Call, _: Nothing, body: Revoke) -> Answer<Banned> {
    take_back(&call, body.whom, body.channel.map(|channel| channel.0), &body.r#for, true).await
}

async fn ban(call: Call, _: Nothing, body: Revoke) -> Answer<Banned> {
    take_back(&call, body.whom, body.channel.map(|channel| channel.0), &body.r#for, false).await
}

async fn take_back(
    call: &Call,
    whom: Holder,
    on: Option<Selector>,
    time: &Span,
    spares_new: bool,
) -> Answer<Banned> {
    let until = call.hub().now().after(time.0);
    let ban = Ban { whom: whom.into(), on, until, spares_new };
    let banned = call.hub().ban(&call.grant, ban).await.map_err(|error| match error {
        BanError::Denied(reason) => denied(reason),
        _ => Problem::overloaded(error.to_string()),
    })?;
    Ok(Banned { ban: banned.id.0, concerned: banned.concerned, silent: names(&banned.silent) })
}

async fn list(call: Call, List { after, limit }: List) -> Answer<BanPage> {
    let page = call.hub().bans(&call.grant, after.map(BanId), limit.0).map_err(denied)?;
    let next = limit.next(&page, |last| last.id.0);
    Ok(BanPage { bans: page.into_iter().map(BanShown::from).collect(), next })
}

async fn lift(call: Call, One { id }: One) -> Answer<()> {
    let lifted = call.hub().lift_ban(&call.grant, BanId(id)).map_err(denied)?;
    if lifted { Ok(()) } else { Err(Problem::not_found("there is no ban of this number, or no longer")) }
}

impl From<BanInfo> for BanShown {
    fn from(BanInfo { id, since, ban, .. }: BanInfo) -> Self {
        Self {
            id: id.0,
            whom: (&ban.whom).into(),
            channel: ban.on.map(|on| on.as_str().to_owned()),
            since: time_text(since),
            until: time_text(ban.until),
            spares_new: ban.spares_new,
        }
    }
}
