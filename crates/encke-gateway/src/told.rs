//! What the application is told: notices, and webhooks.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::ChannelName;
use encke_fetch::TrustError;
use encke_hub::Hub;
use encke_notices::{Notices, NoticesConfig, Secret, WeakSecret, Webhook, WebhookConfig};
use futures_util::future::join_all;

use crate::config::{self, Config};

/// With what the channels begin that webhooks write their places down in.
pub(crate) const PLACES: &str = "$webhook.";

/// Those who tell.
#[derive(Clone)]
pub(crate) struct Told {
    notices: Option<Arc<Notices>>,
    webhooks: Arc<[Arc<Webhook>]>,
}

/// A webhook cannot be as it was configured.
#[derive(Debug)]
#[non_exhaustive]
pub enum WebhookError {
    /// Its secret is too short.
    Secret(WeakSecret),
    /// What it is to trust is no certificate.
    Trust(TrustError),
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a webhook cannot be: ")?;
        match self {
            Self::Secret(error) => error.fmt(f),
            Self::Trust(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WebhookError {}

impl Told {
    pub(crate) fn new(hub: &Hub, config: &Config) -> Result<Self, WebhookError> {
        // Who comes to a channel and goes is told on its own channel too.
        let wanted = !config.notices.kinds.is_empty() || !config.presence.channels.is_empty();
        let notices = NoticesConfig { kinds: config.notices.kinds.clone() };
        let notices = wanted.then(|| Arc::new(Notices::new(hub, notices)));
        let webhooks = config.webhooks.iter().map(|webhook| build(hub, webhook).map(Arc::new));
        Ok(Self { notices, webhooks: webhooks.collect::<Result<_, _>>()? })
    }

    pub(crate) fn webhooks(&self) -> &[Arc<Webhook>] {
        &self.webhooks
    }

    /// Ready when the webhooks have nothing left to send, or nobody takes it.
    pub(crate) async fn settle(&self) {
        const LOOK: Duration = Duration::from_millis(20);
        let busy = |webhook: &Arc<Webhook>| {
            let state = webhook.state();
            state.lag > 0 && state.failing_since.is_none()
        };
        while self.webhooks.iter().any(busy) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells, until it is dropped.
    pub(crate) async fn run(&self) {
        let notices = async {
            if let Some(notices) = &self.notices {
                notices.run().await;
            }
        };
        // Not as tasks: with this future all of it is gone, and lets go of the hub.
        tokio::join!(notices, join_all(self.webhooks.iter().map(|webhook| webhook.run())));
        // A webhook may end; that is no reason for the gateway to.
        std::future::pending::<()>().await;
    }
}

fn build(hub: &Hub, webhook: &config::Webhook) -> Result<Webhook, WebhookError> {
    let secret = Secret::new(webhook.secret.expose().as_bytes()).map_err(WebhookError::Secret)?;
    let mut config = WebhookConfig::new(webhook.url.clone(), secret);
    config.channels.clone_from(&webhook.channels);
    config.fetch.deadline = webhook.timeout;
    config.fetch.trusted = webhook.ca.clone().map(Bytes::from);
    config.place = ChannelName::new(&format!("{PLACES}{}", config.name)).ok();
    Webhook::new(hub, config).map_err(WebhookError::Trust)
}
