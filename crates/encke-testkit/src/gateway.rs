use std::{future::pending, net::SocketAddr};

use encke_gateway::{
    Gateway, StartError,
    config::{Config, Sources},
};
use encke_hub::Hub;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{Answer, Raw, metric, wait_for};

/// A gateway on a free port of loopback, served by the test's own runtime. It ends with the test.
pub struct TestGateway {
    address: SocketAddr,
    hub: Hub,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl TestGateway {
    /// Starts a gateway with this configuration (TOML; empty for the defaults).
    ///
    /// # Panics
    /// If the configuration is wrong.
    pub fn start(toml: &str) -> Self {
        Self::configured(toml, |_| {})
    }

    /// Starts a gateway with this configuration, changed in code.
    ///
    /// # Panics
    /// If the configuration is wrong.
    pub fn configured(toml: &str, change: impl FnOnce(&mut Config)) -> Self {
        let sources = Sources::new().text("test.toml", toml).flag("test", "listen", "127.0.0.1:0");
        let loaded = sources.load().unwrap_or_else(|errors| panic!("the configuration of a test: {errors}"));
        let mut config = loaded.config;
        change(&mut config);
        Self::run(Gateway::bind_on(Hub::builder(), &config))
    }

    /// Starts a gateway over the engine that this configuration names.
    ///
    /// # Panics
    /// If the configuration is wrong, or the engine is not there.
    pub async fn over(toml: &str) -> Self {
        let sources = Sources::new().text("test.toml", toml).flag("test", "listen", "127.0.0.1:0");
        let loaded = sources.load().unwrap_or_else(|errors| panic!("the configuration of a test: {errors}"));
        Self::run(Gateway::bind(&loaded.config).await)
    }

    fn run(bound: Result<Gateway, StartError>) -> Self {
        let gateway = bound.unwrap_or_else(|error| panic!("a gateway of a test: {error}"));
        let (address, hub) = (gateway.address(), gateway.hub().clone());
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        let running = tokio::spawn(gateway.run(stopped));
        Self { address, hub, stop: Some(stop), running }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its hub.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Begins to drain, as SIGTERM does.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Drains it and waits for the end.
    ///
    /// # Panics
    /// If it fails.
    pub async fn stop(mut self) {
        self.begin_stop();
        (&mut self.running).await.expect("a gateway that ends well");
    }

    /// Sends one request on a connection of its own, and reads the whole answer. `head` is the request line and
    /// headers, without the ones that every request has.
    pub async fn request(&self, head: &str, body: &[u8]) -> Answer {
        let mut raw = Raw::connect(self.address).await;
        raw.request(head, body).await;
        raw.answer().await
    }

    /// A figure of `/metrics`, of all labels together; 0 if it is not there.
    pub async fn metric(&self, name: &str) -> u64 {
        metric(self.address, name).await
    }

    /// Waits until nobody subscribes and no connection is left but the one that asks.
    pub async fn quiet(&self) {
        let quiet = async || self.hub.is_empty() && self.metric("encke_connections").await <= 1;
        wait_for("the last connection to end", quiet).await;
    }

    /// Publishes and returns the receipt's JSON.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn publish(&self, channel: &str, data: &str) -> String {
        let answer = self.request(&format!("POST /publish?channel={channel}"), data.as_bytes()).await;
        assert_eq!(answer.status, 200, "publish: {}", answer.text());
        answer.text()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.running.abort();
    }
}
