//! Figures for Prometheus, under `encke_`.

use std::fmt;

use encke_http::Body;
use encke_hub::{Health, Hub};
use http::{HeaderValue, Response, StatusCode, header};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};

use crate::{
    admission::{Admission, Refusal},
    feeds::{Feeds, Figure},
};

/// The registry, and what the gateway itself counts.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refused: Family<RefusalLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    kind: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    limit: &'static str,
}

impl Metrics {
    pub(crate) fn new(hub: Hub, admission: Admission, feeds: Feeds) -> Self {
        let mut registry = Registry::with_prefix("encke");
        let (requests, refused) = (Family::default(), Family::default());
        registry.register(
            "http_requests",
            "Requests answered, by kind of route and status",
            requests.clone(),
        );
        registry.register("connections_refused", "Connections not admitted, by limit", refused.clone());
        registry.register_collector(Box::new(HubCollector { hub, admission, feeds }));
        Self { registry, requests, refused }
    }

    pub(crate) fn request(&self, kind: &'static str, status: StatusCode) {
        self.requests.get_or_create(&RequestLabels { kind, status: status.as_u16() }).inc();
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        let limit = match refusal {
            Refusal::Total => "connections",
            Refusal::Address => "connections_per_address",
        };
        self.refused.get_or_create(&RefusalLabels { limit }).inc();
    }

    pub(crate) fn show(&self) -> Response<Body> {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        let mut response = Response::new(Body::from(text.into_bytes()));
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }
}

/// Reads the hub's own numbers when somebody asks.
struct HubCollector {
    hub: Hub,
    admission: Admission,
    feeds: Feeds,
}

impl fmt::Debug for HubCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubCollector")
    }
}

impl Collector for HubCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.hub.counts();
        let counters = [
            ("published", "Messages stored", counts.published),
            ("publishes_repeated", "Publishes answered from their idempotency key", counts.repeated),
            ("publishes_refused", "Publishes refused", counts.refused),
            ("delivered", "Messages handed to subscriptions", counts.delivered),
            ("gaps", "Gaps handed to subscriptions", counts.gaps),
            ("subscribed", "Subscriptions opened", counts.subscribed),
            ("subscriptions_refused", "Subscriptions refused", counts.turned_away),
            ("access_refused", "Refusals of access, whatever for", counts.denied),
            ("publishes_limited", "Publishes refused by their rate", counts.publishes_limited),
            ("subscribes_limited", "Subscriptions refused by their rate", counts.subscribes_limited),
            ("members_not_kept", "Members not shown, beyond the limit", counts.members_not_kept),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let log = self.hub.log_info();
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let gauges = [
            ("connections", "Connections open", number(self.admission.len())),
            ("channels", "Channels that exist", number(log.channels)),
            ("retained_bytes", "Bytes that the log retains", number(log.bytes)),
            ("head", "The number of the last message", i64::try_from(log.head.seq).unwrap_or(i64::MAX)),
            ("engine_up", "Whether the engine stores", i64::from(self.hub.health() == Health::Well)),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let help = "Subscriptions open, by transport";
        let kind = ConstGauge::new(0i64).metric_type();
        let mut family = encoder.encode_descriptor("subscriptions", help, None, kind)?;
        for (transport, count) in self.hub.subscriptions() {
            let labels = [("transport", transport)];
            ConstGauge::new(number(count)).encode(family.encode_family(&labels)?)?;
        }
        encode_feeds(&mut encoder, "queue", self.feeds.queues())?;
        encode_feeds(&mut encoder, "bridge", self.feeds.bridges())
    }
}

/// The figures of all feeds of a kind, each by its name.
fn encode_feeds<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    kind: &'static str,
    feeds: impl Iterator<Item = (&'a str, [Figure; 5], bool)>,
) -> fmt::Result {
    let feeds: Vec<_> = feeds.collect();
    let Some((_, figures, _)) = feeds.first() else { return Ok(()) };
    for (index, (name, help, _)) in figures.iter().enumerate() {
        let counter = ConstCounter::new(0u64).metric_type();
        let mut family = encoder.encode_descriptor(name, help, None, counter)?;
        for (feed, figures, _) in &feeds {
            ConstCounter::new(figures[index].2).encode(family.encode_family(&[(kind, *feed)])?)?;
        }
    }
    let gauge = ConstGauge::new(0u64).metric_type();
    let name = format!("{kind}_up");
    let mut family = encoder.encode_descriptor(&name, "Whether it goes on", None, gauge)?;
    for (feed, _, up) in &feeds {
        ConstGauge::new(u64::from(*up)).encode(family.encode_family(&[(kind, *feed)])?)?;
    }
    Ok(())
}
