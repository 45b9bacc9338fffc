//! Channels, one or a page of them, and who is on them.

use std::{collections::BTreeMap, net::IpAddr};

use encke_core::{ChannelName, Keep};
use encke_http::{denied, publish_problem};
use encke_hub::{ChannelSurvey, Member, Rank, Wanted};
use encke_wire::{Json, Problem, time_text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call::{Answer, Call},
    clients::ClientShown,
    table::Table,
    values::{Channel, ChannelPattern, PageSize, Place, names, per_second},
};

pub(crate) fn operations(table: Table) -> Table {
    table
        .get(("channels", "listChannels"), "The channels there are: a page of them", list)
        .get(("channels/{channel}", "showChannel"), "One channel, and the first of those who are on it", show)
        .delete(("channels/{channel}", "deleteChannel"), "Removes all messages of a channel", delete)
        .get(("channels/{channel}/members", "listMembers"), "Who is on a channel: a page of them", members)
        .post(("channels/{channel}/trim", "trimChannel"), "Removes the oldest messages of a channel", trim)
}

/// In which order channels come.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Sort {
    /// By name.
    #[default]
    Name,
    /// The most followed first.
    Subscribers,
    /// The busiest first.
    Rate,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Those that match this; else all, those of subjects (`@..`) and of the system (`$..`) too.
    pattern: Option<ChannelPattern>,
    /// In this order.
    #[serde(default)]
    sort: Sort,
    /// After this: `next` of the page before.
    after: Option<String>,
    /// So many at most.
    #[serde(default)]
    limit: PageSize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// Its name.
    channel: Channel,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListMembers {
    /// Its name.
    channel: Channel,
    /// After this: `next` of the page before.
    after: Option<String>,
    /// So many at most.
    #[serde(default)]
    limit: PageSize,
}

/// What goes: one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Trim {
    /// What has been seen by whoever is at this place.
    before: Option<Place>,
    /// All but so many of the newest.
    keep: Option<u64>,
}

/// A channel.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Channel")]
struct ChannelShown {
    /// Its name.
    channel: String,
    /// The place of its last message.
    cursor: String,
    /// The place up to which messages are gone.
    trimmed: String,
    /// Messages retained.
    retained: usize,
    /// Bytes retained, as its limit counts them.
    bytes: usize,
    /// Messages a second, by what it retains of the last minute.
    rate: f64,
    /// Subscribers for each transport, those by patterns too.
    subscribers: BTreeMap<&'static str, usize>,
    /// Members, if that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<usize>,
}

/// A page of channels.
#[derive(Serialize, JsonSchema)]
struct ChannelPage {
    channels: Vec<ChannelShown>,
    /// What to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Nodes that did not answer, and so are not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

/// A channel, and the first hundred of those who are on it.
#[derive(Serialize, JsonSchema)]
struct ChannelDetail {
    #[serde(flatten)]
    channel: ChannelShown,
    /// Its members, if that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<MemberPage>,
    /// Live subscriptions that follow it, by its name or a pattern; `GET clients?channel=` has them all.
    followers: Vec<ClientShown>,
    /// Nodes that did not answer, and so are not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

/// A page of members.
#[derive(Serialize, JsonSchema)]
struct MemberPage {
    /// How many there are in all.
    count: usize,
    members: Vec<MemberShown>,
    /// What to ask after for the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One who is on a channel, with however many connections.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
struct MemberShown {
    /// The verified subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// What his clients call themselves.
    clients: Vec<String>,
    /// What the application tells of him.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    info: Option<Json>,
    /// Since when he is there.
    since: String,
    /// His connections by transport.
    transports: BTreeMap<&'static str, usize>,
    /// His connections in all.
    connections: usize,
    /// From where, if the node keeps that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<IpAddr>,
}

/// How much is gone.
#[derive(Serialize, JsonSchema)]
struct Trimmed {
    /// Messages that were removed.
    removed: usize,
}

async fn list(call: Call, args: List) -> Answer<ChannelPage> {
    let List { pattern, sort, after, limit } = args;
    let pattern = pattern.map(|pattern| pattern.0);
    let (hub, grant) = (call.hub(), &call.grant);
    let by = match sort {
        Sort::Name => None,
        Sort::Subscribers => Some(Rank::Followers),
        Sort::Rate => Some(Rank::PerMinute),
    };
    let Some(by) = by else {
        let page = hub.survey(grant, pattern.as_ref(), after.as_deref(), limit.0).await.map_err(denied)?;
        let next = limit.next(&page, |last| last.info.name.as_str().to_owned());
        return call.show_all(page, next).await;
    };
    let place = after.as_deref().map(|after| {
        let place = after.split_once(' ').and_then(|(rank, name)| Some((rank.parse().ok()?, name)));
        place.ok_or_else(|| Problem::bad_request("after is what the page before has as next"))
    });
    let page = hub.ranking(grant, pattern.as_ref(), by, place.transpose()?, limit.0).await.map_err(denied)?;
    let next = limit.next(&page, |last| format!("{} {}", last.rank, last.info.name));
    call.show_all(page, next).await
}

async fn show(call: Call, One { channel: Channel(name) }: One) -> Answer<ChannelDetail> {
    let limit = PageSize::default();
    let survey = call.hub().survey_one(&call.grant, &name).map_err(denied)?.ok_or_else(missing)?;
    let mut surveys = [survey];
    call.hub().add_followers(&call.grant, &mut surveys).await.map_err(denied)?;
    let [survey] = surveys;
    let wanted = Wanted { follows: Some(name.clone()), ..Wanted::default() };
    let followers = call.hub().search(&call.grant, &wanted, None, limit.0).await.map_err(denied)?;
    Ok(ChannelDetail {
        channel: call.show_one(survey)?,
        present: if call.hub().keeps_members(&name) { Some(call.members(&name, None, limit)?) } else { None },
        followers: followers.answer.iter().map(|info| ClientShown::new(&call, info)).collect(),
        silent: names(&followers.silent),
    })
}

async fn delete(call: Call, One { channel: Channel(name) }: One) -> Answer<()> {
    let known = call.hub().delete(&call.grant, &name).await.map_err(publish_problem)?;
    if known { Ok(()) } else { Err(missing()) }
}

async fn members(call: Call, args: ListMembers) -> Answer<MemberPage> {
    let ListMembers { channel: Channel(name), after, limit } = args;
    if !call.hub().keeps_members(&name) {
        return Err(Problem::not_found("it is not kept who is on this channel"));
    }
    call.members(&name, after.as_deref(), limit)
}

async fn trim(call: Call, One { channel: Channel(name) }: One, body: Trim) -> Answer<Trimmed> {
    let keep = match (body.before, body.keep) {
        (None, Some(count)) => Keep::Newest(usize::try_from(count).unwrap_or(usize::MAX)),
        (Some(Place(place)), None) if place.epoch == call.hub().log_info().head.epoch => Keep::After(place),
        (Some(_), None) => return Err(Problem::bad_since("the place is in another life of the log")),
        _ => return Err(Problem::bad_request("say either `before` or `keep`")),
    };
    let removed = call.hub().trim(&call.grant, &name, keep).await.map_err(publish_problem)?;
    removed.map(|removed| Trimmed { removed }).ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::not_found("there is no such channel: nobody has published to it or follows it")
}

impl Call {
    async fn show_all(&self, mut page: Vec<ChannelSurvey>, next: Option<String>) -> Answer<ChannelPage> {
        let silent = self.hub().add_followers(&self.grant, &mut page).await.map_err(denied)?;
        let channels = page.into_iter().map(|survey| self.show_one(survey)).collect::<Answer<_>>()?;
        Ok(ChannelPage { channels, next, silent: names(&silent) })
    }

    fn show_one(&self, survey: ChannelSurvey) -> Answer<ChannelShown> {
        let ChannelSurvey { info, per_minute, .. } = survey;
        let members = self.hub().keeps_members(&info.name);
        let members = members.then(|| self.hub().member_count(&self.grant, &info.name)).transpose();
        Ok(ChannelShown {
            channel: info.name.as_str().to_owned(),
            cursor: info.last.to_string(),
            trimmed: info.trimmed.to_string(),
            retained: info.retained,
            bytes: info.bytes,
            rate: per_second(per_minute, 60_000),
            subscribers: info.followers.into_iter().collect(),
            members: members.map_err(denied)?,
        })
    }

    fn members(&self, channel: &ChannelName, after: Option<&str>, limit: PageSize) -> Answer<MemberPage> {
        let after = after.map(str::parse).transpose();
        let after = after.map_err(|_| Problem::bad_request("after is what the page before has as next"))?;
        let page = self.hub().members(&self.grant, channel, after.as_ref(), limit.0).map_err(denied)?;
        Ok(MemberPage {
            count: page.count,
            members: page.members.into_iter().map(MemberShown::from).collect(),
            next: page.next.map(|next| next.to_string()),
        })
    }
}

impl From<Member> for MemberShown {
    fn from(member: Member) -> Self {
        let connections = member.connections();
        Self {
            subject: member.key.subject().map(ToString::to_string),
            clients: member.clients.iter().map(ToString::to_string).collect(),
            // What is no JSON is shown to nobody.
            info: member.info.and_then(|info| std::str::from_utf8(&info).ok()?.parse().ok()),
            since: time_text(member.since),
            transports: member.transports.into_iter().collect(),
            connections,
            addresses: member.addresses,
        }
    }
}
