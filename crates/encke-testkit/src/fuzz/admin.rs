use bytes::Bytes;
use encke::{Hub, HubConfig, LogConfig, Publish, Since};
use encke_admin::{Admin, AdminConfig, AdminService};
use encke_hub::{Action, Ask, Subscription, Trusted};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower_service::Service;

use super::split_line;

/// A node with a channel and a client, and its administration.
struct Node {
    runtime: Runtime,
    service: AdminService,
    _client: Subscription,
}

thread_local! {
    static NODE: Node = node();
}

/// A small one, so that whatever is done to it, it stays small.
fn node() -> Node {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let config = HubConfig { bans: 100, message_bytes: 1_000, ..HubConfig::default() };
    let log = LogConfig { channels: 100, bytes: 1 << 20, ..LogConfig::default() };
    let hub = Hub::builder().config(config).log(log).authorizer(Trusted).build().expect("a hub");
    let news = encke::ChannelName::new("news").expect("a name");
    let client = runtime.block_on(async {
        let grant = hub.authorize(&Ask::new(Action::Subscribe, Vec::new())).await.expect("trusted");
        let publish = Publish::new(news.clone(), encke::Message::text("x"));
        hub.publish(&grant, publish).await.expect("a message that fits");
        hub.subscribe(&grant, "sse", vec![news.into()], Since::Latest).await.expect("a subscription")
    });
    Node { runtime, service: Admin::service(hub, AdminConfig::default()), _client: client }
}

/// A method, a space, a path with a query, a line end, and a body: asked by one who may administer.
///
/// # Panics
/// If the answer is no JSON, or is the fault of the node.
pub fn admin(data: &[u8]) {
    let (line, body) = split_line(data);
    let Ok(line) = std::str::from_utf8(line) else { return };
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let (Ok(method), Ok(target)) = (method.parse::<Method>(), target.parse::<Uri>()) else { return };
    let body = Full::new(Bytes::copy_from_slice(body));
    let Ok(request) = Request::builder().method(&method).uri(target).body(body) else { return };
    NODE.with(|node| {
        let answer = node.runtime.block_on(async {
            let response = node.service.clone().call(request).await.expect("a service that never fails");
            let (parts, body) = response.into_parts();
            (parts.status, body.collect().await.expect("a body that never fails").to_bytes())
        });
        let (status, bytes) = answer;
        // Its limits may be reached, and it says so.
        assert!(status.as_u16() < 500 || status == 503, "{status}: {}", bytes.escape_ascii());
        if !bytes.is_empty() {
            let json: Value = serde_json::from_slice(&bytes).expect("an answer of JSON");
            assert!(status.is_success() || json["status"] == status.as_u16(), "{json}");
        }
    });
}
