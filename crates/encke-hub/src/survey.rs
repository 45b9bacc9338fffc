//! What whoever runs the node sees of its channels.
//!
//! Each look takes a slice of them, and lets others have their turn before the next.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use encke_core::{ChannelHandle, ChannelInfo, ChannelName, Keep, Pattern, Selector};

use crate::{
    Denied, Grant, Hub, PublishError,
    hub::Inner,
    peers::{Question, Reply},
};

/// How many channels are looked at before others get their turn.
const SLICE: usize = 1_000;

/// By what channels are ranked, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Those who follow them.
    Followers,
    /// The messages that they get in a minute.
    PerMinute,
}

/// A channel, as whoever runs the node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelSurvey {
    /// What the log knows of it.
    pub info: ChannelInfo,
    /// How many messages a minute it gets now.
    pub per_minute: u64,
    /// By what it is ranked, if it is.
    pub rank: usize,
}

impl Hub {
    /// Up to `limit` channels whose names follow `after`, by name: all, those of subjects and of the system too, or those
    /// that match `pattern`.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn survey(
        &self,
        grant: &Grant,
        pattern: Option<&Pattern>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ChannelSurvey>, Denied> {
        self.administer(grant)?;
        let mut found = Vec::new();
        self.each_channel(pattern, after, |channel| {
            found.push(self.describe_channel(channel, 0));
            found.len() < limit
        })
        .await;
        Ok(found)
    }

    /// Up to `limit` channels by their rank at this node, and those of one rank by name; after the place that a rank and a name are.
    ///
    /// It looks at all of them.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn ranking(
        &self,
        grant: &Grant,
        pattern: Option<&Pattern>,
        by: Rank,
        after: Option<(usize, &str)>,
        limit: usize,
    ) -> Result<Vec<ChannelSurvey>, Denied> {
        self.administer(grant)?;
        let now = self.now();
        let mut ranked: Vec<(Reverse<usize>, ChannelHandle)> = Vec::new();
        self.each_channel(pattern, None, |channel| {
            let rank = match by {
                Rank::Followers => channel.followers(),
                Rank::PerMinute => usize::try_from(channel.per_minute(now)).unwrap_or(usize::MAX),
            };
            let is_after = |(last, name): (usize, &str)| {
                (Reverse(last), name) < (Reverse(rank), channel.name().as_str())
            };
            if after.is_none_or(is_after) {
                ranked.push((Reverse(rank), channel.clone()));
            }
            // What is certainly not on the page is not kept.
            if ranked.len() >= 2 * limit.max(SLICE) {
                keep_first(&mut ranked, limit);
            }
            true
        })
        .await;
        keep_first(&mut ranked, limit);
        ranked.sort_unstable_by(order);
        Ok(ranked.iter().map(|(Reverse(rank), channel)| self.describe_channel(channel, *rank)).collect())
    }

    /// One channel, if it exists.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub fn survey_one(&self, grant: &Grant, name: &ChannelName) -> Result<Option<ChannelSurvey>, Denied> {
        self.administer(grant)?;
        Ok(self.inner.engine.log().find(name).map(|channel| self.describe_channel(&channel, 0)))
    }

    /// Adds those who follow these channels at other nodes. Returns the names of nodes that did not answer.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn add_followers(
        &self,
        grant: &Grant,
        surveys: &mut [ChannelSurvey],
    ) -> Result<Vec<Arc<str>>, Denied> {
        self.administer(grant)?;
        let names = surveys.iter().map(|survey| survey.info.name.clone()).collect();
        let others = self.inner.cluster.ask(Question::Followers(names)).await.of(|reply| match reply {
            Reply::Followers(followers) => Some(followers),
            _ => None,
        });
        let more: Vec<HashMap<_, _>> = others.answer.into_iter().map(HashMap::from_iter).collect();
        for info in surveys.iter_mut().map(|survey| &mut survey.info) {
            for (label, count) in more.iter().filter_map(|more| more.get(&info.name)).flatten() {
                match info.followers.iter_mut().find(|(known, _)| known == label) {
                    Some((_, known)) => *known += count,
                    None => info.followers.push((label, *count)),
                }
            }
        }
        Ok(others.silent)
    }

    /// The channels that retain the message `seq`, by name.
    ///
    /// It looks at all of them.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub async fn places_of(&self, grant: &Grant, seq: u64) -> Result<Vec<ChannelName>, Denied> {
        self.administer(grant)?;
        let mut places = Vec::new();
        self.each_channel(None, None, |channel| {
            if channel.holds(seq) {
                places.push(channel.name().clone());
            }
            true
        })
        .await;
        Ok(places)
    }

    /// How many retained messages come after `seq` in what `selector` selects. Of a pattern those count that stand in its
    /// row ([`LogConfig::pattern_window`](encke_core::LogConfig)).
    #[must_use]
    pub fn waiting(&self, selector: &Selector, seq: u64) -> usize {
        self.inner.engine.log().waiting(selector, seq)
    }

    /// Lets go of the oldest messages of a channel. Returns how many went; nothing if there is no such channel.
    ///
    /// # Errors
    /// [`PublishError`] if the grant is not for [`Action::Administer`](crate::Action::Administer), or the engine cannot.
    pub async fn trim(
        &self,
        grant: &Grant,
        channel: &ChannelName,
        keep: Keep,
    ) -> Result<Option<usize>, PublishError> {
        self.administer(grant)?;
        self.inner.engine.trim(channel, keep).await.map_err(PublishError::Engine)
    }

    fn describe_channel(&self, channel: &ChannelHandle, rank: usize) -> ChannelSurvey {
        ChannelSurvey { info: channel.info(), per_minute: channel.per_minute(self.now()), rank }
    }

    /// Looks at each channel that matches until `look` has seen enough.
    pub(crate) async fn each_channel(
        &self,
        pattern: Option<&Pattern>,
        after: Option<&str>,
        mut look: impl FnMut(&ChannelHandle) -> bool,
    ) {
        let mut next = after.map(str::to_owned);
        loop {
            let (found, more) = self.inner.engine.log().look(next.as_deref(), pattern, SLICE);
            if !found.iter().all(&mut look) {
                return;
            }
            let Some(more) = more else { return };
            next = Some(more.as_str().to_owned());
            tokio::task::yield_now().await;
        }
    }
}

impl Inner {
    /// Those who follow these channels here.
    pub(crate) fn followers(
        &self,
        mut channels: Vec<ChannelName>,
    ) -> Vec<(ChannelName, Vec<(&'static str, usize)>)> {
        channels.truncate(SLICE);
        let log = self.engine.log();
        let followers = |name: ChannelName| {
            let followers = log.find(&name)?.info().followers;
            (!followers.is_empty()).then_some((name, followers))
        };
        channels.into_iter().filter_map(followers).collect()
    }
}

fn order(a: &(Reverse<usize>, ChannelHandle), b: &(Reverse<usize>, ChannelHandle)) -> std::cmp::Ordering {
    a.0.cmp(&b.0).then_with(|| a.1.name().cmp(b.1.name()))
}

fn keep_first(ranked: &mut Vec<(Reverse<usize>, ChannelHandle)>, limit: usize) {
    if ranked.len() > limit && limit > 0 {
        ranked.select_nth_unstable_by(limit - 1, order);
    }
    ranked.truncate(limit);
}
