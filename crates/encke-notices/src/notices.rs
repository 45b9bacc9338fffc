use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use encke_core::{AppendError, ChannelName, Message, Pattern, Publish, Selector};
use encke_hub::{EngineError, Grant, Hub, Notice, NoticeKind, PublishError, What, presence_channel};

use crate::{backoff::Backoff, json, trusted};

/// The channel that tells what happens in a hub.
pub const NOTICES: &str = "$notices";

/// What is told on [`NOTICES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticesConfig {
    /// These kinds. Who comes to a channel and goes is told on the channel's own `$presence.<channel>` anyway, and what
    /// was lost is always told.
    pub kinds: Vec<NoticeKind>,
}

impl Default for NoticesConfig {
    /// All but each publish, which would double the log, and each refusal, which an attacker could fill it with.
    fn default() -> Self {
        let unasked = |kind: &NoticeKind| !matches!(kind, NoticeKind::Published | NoticeKind::Refused);
        Self { kinds: NoticeKind::ALL.into_iter().filter(unasked).collect() }
    }
}

/// Turns what happens in a hub into messages.
pub struct Notices {
    hub: Hub,
    config: NoticesConfig,
    told: AtomicU64,
    lost: AtomicU64,
}

/// What [`Notices`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticesCounts {
    /// Notices that were published.
    pub told: u64,
    /// Notices that were not, because more came than there was space for, or because they were refused.
    pub lost: u64,
}

/// How long to wait before what the engine did not take is tried again: at first, and at most.
const RETRY: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];
/// Notices that are published before others get their turn.
const SLICE: usize = 64;
/// Channels that are listed at a time.
const PAGE: usize = 10_000;

impl Notices {
    /// Of what happens in `hub`.
    #[must_use]
    pub fn new(hub: &Hub, config: NoticesConfig) -> Self {
        Self { hub: hub.clone(), config, told: AtomicU64::new(0), lost: AtomicU64::new(0) }
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> NoticesCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NoticesCounts { told: load(&self.told), lost: load(&self.lost) }
    }

    /// Publishes them, for ever: for a task of the host's. There is one for a hub.
    ///
    /// While the engine takes none it tries again. What happens meanwhile waits in the hub; what there is no space for
    /// is counted, and the count is told as a message when there is a way again.
    pub async fn run(&self) {
        let (hub, grant) = match trusted(&self.hub).await {
            Ok(trusted) => trusted,
            Err(denied) => return tracing::error!(%denied, "no notices: the hub refuses its own"),
        };
        let publisher = Publisher { notices: self, hub, grant };
        let mut kinds = self.config.kinds.clone();
        kinds.extend([NoticeKind::Joined, NoticeKind::Left]);
        let mut untold = 0;
        loop {
            let noticed = self.hub.notices_of(&kinds).await;
            untold += noticed.lost;
            for (index, notice) in noticed.notices.iter().enumerate() {
                if !publisher.tell(notice).await {
                    untold += 1;
                }
                if index % SLICE == SLICE - 1 {
                    tokio::task::yield_now().await;
                }
            }
            if untold > 0 && publisher.tell_lost(untold).await {
                self.lost.fetch_add(untold, Ordering::Relaxed);
                untold = 0;
            }
        }
    }
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").field("config", &self.config).field("counts", &self.counts()).finish()
    }
}

struct Publisher<'a> {
    notices: &'a Notices,
    hub: Hub,
    grant: Grant,
}

impl Publisher<'_> {
    /// Publishes a notice wherever it belongs: one message, one place in the log. False if it could not.
    async fn tell(&self, notice: &Notice) -> bool {
        let kind = notice.what.kind();
        let notices = self.notices.config.kinds.contains(&kind).then(|| ChannelName::new(NOTICES).ok());
        let presence = match (&notice.what, &notice.on) {
            (What::Joined | What::Left, Some(Selector::Channel(on))) => presence_channel(on),
            _ => None,
        };
        let channels: Vec<_> = notices.flatten().into_iter().chain(presence).collect();
        if channels.is_empty() {
            return true;
        }
        let message = message(kind.as_str(), json::notice(notice));
        let told = self.put(&channels, message.clone()).await;
        if !told && channels.len() > 1 {
            // Where there is no space for one more channel there may still be for the message.
            self.put(&channels[..1], message).await;
        }
        if told {
            self.notices.told.fetch_add(1, Ordering::Relaxed);
        }
        told
    }

    /// Tells that `count` notices are missing, wherever one of them may be missed. False if it could not.
    async fn tell_lost(&self, count: u64) -> bool {
        let message = message("lost", json::lost(count, self.hub.now()));
        let Ok(notices) = ChannelName::new(NOTICES) else { return false };
        let told = self.put(&[notices], message.clone()).await;
        let Ok(presence) = Pattern::new("$presence.**") else { return false };
        let mut after: Option<ChannelName> = None;
        loop {
            let last = after.as_ref().map(ChannelName::as_str);
            let page = self.hub.channels(&self.grant, &presence, last, PAGE).await.unwrap_or_default();
            for channel in &page {
                self.put(std::slice::from_ref(&channel.name), message.clone()).await;
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last.name),
                None => return told,
            }
        }
    }

    /// Publishes a message as soon as it can be. False if it can not.
    async fn put(&self, channels: &[ChannelName], message: Message) -> bool {
        let Some((first, others)) = channels.split_first() else { return true };
        let publish = Publish::new(first.clone(), message);
        let publish = others.iter().fold(publish, |publish, channel| publish.also_to(channel.clone()));
        let mut backoff = Backoff::new(RETRY[0], RETRY[1]);
        loop {
            match self.hub.publish(&self.grant, publish.clone()).await {
                Ok(_) => return true,
                Err(error) if passes(error) => tokio::time::sleep(backoff.wait()).await,
                Err(error) => {
                    tracing::warn!(%error, channel = %first, "a notice is lost");
                    return false;
                }
            }
        }
    }
}

/// Whether what was refused now may be taken later.
fn passes(error: PublishError) -> bool {
    let passing = [EngineError::Unavailable, EngineError::Refused(AppendError::Full)];
    matches!(error, PublishError::Engine(error) if passing.contains(&error))
}

fn message(kind: &str, json: Vec<u8>) -> Message {
    let message = Message::json(json);
    message.clone().with_name(kind).unwrap_or(message)
}
