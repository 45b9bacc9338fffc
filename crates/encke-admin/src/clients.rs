//! Clients: their live subscriptions.

use std::{net::IpAddr, sync::Arc};

use encke_core::{ChannelName, Cursor, Gap};
use encke_http::denied;
use encke_hub::{Joint, SubscriptionId, SubscriptionInfo, Wanted};
use encke_wire::{Problem, time_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    call::{Answer, Call},
    explain::{Explanation, Question, explain},
    table::Table,
    values::{Address, Channel, PageSize, Place, names, seconds},
};

pub(crate) fn operations(table: Table) -> Table {
    table
        .get(("clients", "listClients"), "The live subscriptions: a page of them", list)
        .get(("clients/{id}", "showClient"), "One live subscription, with what it follows", show)
        .get(("clients/{id}/explain", "explainMessage"), "Why a client did or did not get a message", why)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Of this verified subject.
    subject: Option<String>,
    /// Of clients that call themselves this.
    client: Option<String>,
    /// From this address.
    address: Option<Address>,
    /// By this transport: `sse`, `ws`, ..
    transport: Option<String>,
    /// Which follow this channel, by its name or a pattern.
    channel: Option<Channel>,
    /// After this: `next` of the page before.
    after: Option<u64>,
    /// So many at most.
    #[serde(default)]
    limit: PageSize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// The number of the subscription.
    id: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// The number of the subscription.
    id: u64,
    /// The message by its number.
    seq: Option<u64>,
    /// The message by its place.
    cursor: Option<Place>,
}

/// A live subscription of a client.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(crate) struct ClientShown {
    /// The number of the subscription.
    id: u64,
    /// The node that has it, where there may be several.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// Its transport.
    transport: &'static str,
    /// The verified subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// What the client calls itself, which proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    /// Since when.
    began: String,
    /// How long, in seconds.
    age: u64,
    /// When it ends, if it does by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// The channels and patterns that it follows.
    follows: Vec<String>,
    /// Its place: what is before was handed to its transport, if it follows it.
    cursor: String,
    /// Messages of what it follows that wait for it; of a pattern at most those that stand in its row.
    lag: usize,
    /// Messages that it got.
    messages: u64,
    /// Bytes of their data.
    bytes: u64,
    /// Gaps of which it was told and which are remembered.
    gaps: usize,
}

/// A page of clients.
#[derive(Serialize, JsonSchema)]
struct ClientPage {
    clients: Vec<ClientShown>,
    /// What to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    /// Nodes that did not answer, and so are not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

/// A live subscription, with what it follows.
#[derive(Serialize, JsonSchema)]
struct ClientDetail {
    #[serde(flatten)]
    client: ClientShown,
    /// The place of the log.
    head: String,
    /// What it follows.
    following: Vec<Following>,
    /// The last gaps of which it was told, the oldest first.
    last_gaps: Vec<GapShown>,
}

/// Something that is followed.
#[derive(Serialize, JsonSchema)]
struct Following {
    /// The channel or pattern.
    channel: String,
    /// The place from which on it is followed.
    since: String,
    /// The place of its last message, of a channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    /// Its messages that wait; of a pattern at most those that stand in its row.
    lag: usize,
}

/// What a client was told to be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Gap")]
pub(crate) struct GapShown {
    /// The channel or pattern.
    channel: String,
    /// Everything after this place ..
    from: String,
    /// .. up to and including this one may be missing.
    to: String,
    /// `trimmed`, `epoch`, `future` or `slow`.
    reason: &'static str,
}

async fn list(call: Call, args: List) -> Answer<ClientPage> {
    let wanted = Wanted {
        id: None,
        subject: args.subject,
        client: args.client,
        address: args.address.map(|address| address.0),
        label: args.transport,
        follows: args.channel.map(|channel| channel.0),
    };
    let after = args.after.map(SubscriptionId);
    let page = call.hub().search(&call.grant, &wanted, after, args.limit.0).await.map_err(denied)?;
    let Joint { answer: page, silent, .. } = page;
    let next = args.limit.next(&page, |last| last.id.0);
    let clients = page.iter().map(|info| ClientShown::new(&call, info)).collect();
    Ok(ClientPage { clients, next, silent: names(&silent) })
}

async fn show(call: Call, One { id }: One) -> Answer<ClientDetail> {
    let info = call.client(id).await?;
    let head = call.hub().log_info().head;
    let place = |seq| Cursor { seq, ..head }.to_string();
    let following = info.selectors.iter().zip(&info.begins).map(|(selector, begin)| {
        let name = ChannelName::new(selector.as_str()).ok();
        let survey = name.and_then(|name| call.hub().survey_one(&call.grant, &name).ok().flatten());
        Following {
            channel: selector.as_str().to_owned(),
            since: place(*begin),
            last: survey.map(|survey| survey.info.last.to_string()),
            lag: call.hub().waiting(selector, info.cursor.seq),
        }
    });
    Ok(ClientDetail {
        following: following.collect(),
        head: head.to_string(),
        last_gaps: info.gaps.iter().map(GapShown::from).collect(),
        client: ClientShown::new(&call, &info),
    })
}

async fn why(call: Call, Why { id, seq, cursor }: Why) -> Answer<Explanation> {
    let head = call.hub().log_info().head;
    let place = match (seq, cursor) {
        (Some(seq), None) => Cursor { seq, ..head },
        (None, Some(Place(cursor))) => cursor,
        _ => return Err(Problem::bad_request("say either `seq` or `cursor`: which message?")),
    };
    let info = call.client(id).await?;
    let channels = if place.epoch == head.epoch && (1..=head.seq).contains(&place.seq) {
        call.hub().places_of(&call.grant, place.seq).await.map_err(denied)?
    } else {
        Vec::new()
    };
    let waiting = info.selectors.iter().map(|selector| call.hub().waiting(selector, info.cursor.seq));
    let question = Question { place, head, channels, waiting: waiting.sum() };
    let refusals = call.hub().refusals(&call.grant, usize::MAX).await.map_err(denied)?;
    Ok(explain(&info, question, &refusals.answer))
}

impl Call {
    pub(crate) async fn client(&self, id: u64) -> Answer<SubscriptionInfo> {
        let wanted = Wanted { id: Some(SubscriptionId(id)), ..Wanted::default() };
        let mut found = self.hub().search(&self.grant, &wanted, None, 1).await.map_err(denied)?;
        found.answer.pop().ok_or_else(|| gone(&found.silent))
    }
}

/// Nobody has it, as far as nodes have answered.
pub(crate) fn gone(silent: &[Arc<str>]) -> Problem {
    let gone = "there is no live subscription of this number: its client may have come back by another";
    match names(silent).as_slice() {
        [] => Problem::not_found(gone),
        silent => Problem::not_found(format!(
            "{gone}, or it is at a node that does not answer: {}",
            silent.join(", ")
        )),
    }
}

impl ClientShown {
    pub(crate) fn new(call: &Call, info: &SubscriptionInfo) -> Self {
        let lag = info.selectors.iter().map(|selector| call.hub().waiting(selector, info.cursor.seq));
        Self {
            lag: lag.sum(),
            id: info.id.0,
            node: info.node.as_deref().map(str::to_owned),
            transport: info.label,
            subject: info.subject.as_deref().map(str::to_owned),
            client: info.client.as_deref().map(str::to_owned),
            address: info.address,
            began: time_text(info.began),
            age: seconds(info.began, call.hub().now()),
            expires: info.expires.map(time_text),
            follows: info.selectors.iter().map(|selector| selector.as_str().to_owned()).collect(),
            cursor: info.cursor.to_string(),
            messages: info.messages,
            bytes: info.bytes,
            gaps: info.gaps.len(),
        }
    }
}

impl From<&Gap> for GapShown {
    fn from(gap: &Gap) -> Self {
        Self {
            channel: gap.channel.as_str().to_owned(),
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            reason: gap.reason.as_str(),
        }
    }
}
