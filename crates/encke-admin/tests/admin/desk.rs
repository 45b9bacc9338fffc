//! A hub and its administration, without a connection between. Every answer is checked against its own schema.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_admin::{Admin, AdminConfig, AdminService};
use encke_core::{ChannelName, Limit, LogConfig, Message, Pattern, Publish, Selector, Since, Timestamp};
use encke_hub::{
    Access, Action, Ask, Asker, Denied, Grant, Hub, HubBuilder, HubConfig, PresenceConfig, Subscription,
    Trusted,
};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_service::Service;

use crate::local::LocalPeers;

/// The moment at which each test begins, in milliseconds.
pub(crate) const START: u64 = 1_763_714_460_000;

pub(crate) struct Desk {
    pub(crate) hub: Hub,
    service: AdminService,
    now: Arc<AtomicU64>,
    document: OnceLock<Value>,
}

/// Who brings `key` may administer, and nothing else; who brings another token is its subject, `recent` reads no further
/// back than a minute, and `nobody` is refused.
fn by_token(ask: &Ask) -> Result<Access, Denied> {
    let all = Selector::Pattern(Pattern::new("**").unwrap());
    match ask.asker.token.as_deref() {
        Some("key") => Ok(Access::only([(Action::Administer, all)])),
        Some("nobody") => Err(Denied::Forbidden),
        Some("recent") => Ok(Access::open().for_subject("recent").history(Duration::from_secs(60))),
        Some(subject) => Ok(Access::open().for_subject(subject).by_token(&format!("token of {subject}"))),
        None => Ok(Access::open()),
    }
}

pub(crate) fn name(text: &str) -> ChannelName {
    ChannelName::new(text).unwrap()
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(AdminConfig::default(), HubConfig::default(), LogConfig::default())
    }

    pub(crate) fn with(config: AdminConfig, hub: HubConfig, log: LogConfig) -> Self {
        Self::build(Hub::builder().log(log), config, hub)
    }

    /// One of several nodes.
    pub(crate) fn joined(name: &str, peers: Arc<LocalPeers>) -> Self {
        Self::build(Hub::builder().peers(peers).node(name), AdminConfig::default(), HubConfig::default())
    }

    fn build(builder: HubBuilder, config: AdminConfig, mut hub: HubConfig) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&now);
        let chat = vec![Pattern::new("chat.**").unwrap()];
        hub.presence = PresenceConfig { channels: chat, ..PresenceConfig::default() };
        let hub = builder
            .config(hub)
            .authorizer(by_token)
            .clock(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
            .build()
            .unwrap();
        let service = Admin::service(hub.clone(), config);
        Self { hub, service, now, document: OnceLock::new() }
    }

    pub(crate) fn wait(&self, millis: u64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    /// What is answered to whoever brings `token`, without a look at it.
    pub(crate) async fn answer(
        &self,
        token: Option<&str>,
        method: Method,
        target: &str,
        body: &[u8],
    ) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(bytes::Bytes::copy_from_slice(body))).unwrap();
        let response = self.service.clone().call(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// What is answered to an administrator: JSON of the right shape.
    pub(crate) async fn ask(&self, method: Method, target: &str, body: &str) -> (StatusCode, Value) {
        let (status, bytes) = self.answer(Some("key"), method.clone(), target, body.as_bytes()).await;
        if self.document.get().is_none() {
            let (_, document) = self.answer(Some("key"), Method::GET, "/openapi.json", b"").await;
            let _ = self.document.set(serde_json::from_slice(&document).unwrap());
        }
        let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        crate::schema::check_answer(self.document.get().unwrap(), &method, target, status, &json);
        (status, json)
    }

    /// What is shown.
    pub(crate) async fn get(&self, target: &str) -> Value {
        let (status, json) = self.ask(Method::GET, target, "").await;
        assert_eq!(status, StatusCode::OK, "{target}: {json}");
        json
    }

    /// What comes of it.
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Value {
        let (status, json) = self.ask(Method::POST, target, &body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{target}: {json}");
        json
    }

    /// The status and the detail of a problem.
    pub(crate) async fn problem(&self, method: Method, target: &str, body: &str) -> (u16, String) {
        let (status, json) = self.ask(method, target, body).await;
        assert!(status.is_client_error() || status.is_server_error(), "{target}: {json}");
        assert_eq!(json["status"], status.as_u16());
        (status.as_u16(), json["detail"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn grant(&self, token: &str, client: &str, selectors: &[&str]) -> Result<Grant, Denied> {
        let mut asker = Asker::default();
        asker.token = Some(token.into());
        asker.client = Some(client.into());
        asker.address = Some([10, 0, 0, 7].into());
        let selectors = selectors.iter().map(|text| Selector::new(text).unwrap()).collect();
        self.hub.authorize(&Ask::from_asker(Arc::new(asker), Action::Subscribe, selectors)).await
    }

    /// A live subscription of a subject, by a client of his.
    pub(crate) async fn follow(
        &self,
        token: &str,
        client: &str,
        selectors: &[&str],
        since: Since,
    ) -> Subscription {
        let grant = self.grant(token, client, selectors).await.unwrap();
        let selectors = selectors.iter().map(|text| Selector::new(text).unwrap()).collect();
        self.hub.subscribe(&grant, "sse", selectors, since).await.unwrap()
    }

    pub(crate) async fn say(&self, channel: &str, text: &str) -> u64 {
        let trusted = self.hub.with_authorizer(Trusted);
        let grant = trusted.authorize(&Ask::new(Action::Publish, Vec::new())).await.unwrap();
        let publish = Publish::new(name(channel), Message::text(text));
        self.hub.publish(&grant, publish).await.unwrap().cursor.seq
    }
}

/// Reads what there is; returns the seqs.
pub(crate) async fn read(subscription: &mut Subscription) -> Vec<u64> {
    let batch = subscription.read(Limit::default()).await.unwrap();
    batch.messages.iter().map(encke_core::Delivery::seq).collect()
}
