use encke::{
    ChannelName, Cursor, Hub, LogConfig, Message, Publish, Retention, Trusted,
    http::{Payload, PullConfig},
    iframe::{Iframe, IframeConfig},
    poll::{Poll, PollConfig},
    sse::{Sse, SseConfig},
};
use encke_testkit::{ask, publish};
use serde_json::{Value, json};

/// A hub, and what was published to it.
pub(super) struct House {
    pub(super) hub: Hub,
    begin: Cursor,
    pub(super) sent: Vec<Sent>,
}

/// A message as it should be read.
pub(super) struct Sent {
    pub(super) cursor: Cursor,
    pub(super) name: Option<String>,
    pub(super) data: Value,
    pub(super) channel: String,
}

impl Sent {
    /// What every reader of the envelope must find in it.
    pub(super) fn check(&self, envelope: &Value) {
        assert_eq!(envelope["data"], self.data);
        let found = (&envelope["channel"], &envelope["cursor"], envelope.get("name"));
        let (channel, cursor, name) =
            (json!(self.channel), json!(self.cursor.to_string()), self.name.as_ref().map(|name| json!(name)));
        assert_eq!(found, (&channel, &cursor, name.as_ref()));
    }
}

impl House {
    pub(super) fn new() -> Self {
        let retention = Retention { bytes: 64 << 20, count: 10_000, ..Retention::default() };
        let hub = Hub::builder()
            .authorizer(Trusted)
            .log(LogConfig { retention, ..LogConfig::default() })
            .build()
            .unwrap();
        let begin = hub.log_info().head;
        Self { hub, begin, sent: Vec::new() }
    }

    pub(super) async fn publish(&mut self, channel: &str, message: Message) {
        let data = match message.as_text() {
            Some(text) if message.kind() == encke::Kind::Text => json!(text),
            Some(text) => serde_json::from_str(text).unwrap(),
            None => panic!("text and JSON are what these tests are about"),
        };
        let name = message.name().map(str::to_owned);
        let cursor = publish(&self.hub, Publish::new(ChannelName::new(channel).unwrap(), message)).await;
        self.sent.push(Sent { cursor, name, data, channel: channel.to_owned() });
    }

    fn target(&self, path: &str, since: Cursor, more: &str) -> String {
        // What belongs to somebody is in no wildcard.
        let owned = self.sent.iter().map(|sent| &sent.channel).filter(|name| name.starts_with(['@', '$']));
        let encoded = |name: &String| name.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let owned: String = owned.map(|name| format!("&channel={}", encoded(name))).collect();
        format!("{path}?channel=**{owned}&since={since}{more}")
    }

    /// Every answer of a poll, one after the other until all have come.
    pub(super) async fn polls(&self, payload: Payload, more: &str) -> Vec<String> {
        let pull = PullConfig::default().payload(payload).jsonp(true);
        let mut service = Poll::service(self.hub.clone(), PollConfig::default().pull(pull));
        let (mut since, mut answers) = (self.begin, Vec::new());
        while since != self.hub.log_info().head {
            assert!(answers.len() < 1_000, "each answer leads on");
            let response = ask(&mut service, &self.target("/poll", since, more)).await;
            since = response.headers()["encke-cursor"].to_str().unwrap().parse().unwrap();
            answers.push(String::from_utf8(response.into_body()).unwrap());
        }
        answers
    }

    /// An event stream from the beginning.
    pub(super) async fn stream(&self, payload: Payload) -> Vec<u8> {
        let config = SseConfig::default().payload(payload);
        ask(&mut Sse::service(self.hub.clone(), config), &self.target("/sse", self.begin, ""))
            .await
            .into_body()
    }

    /// The document of a frame from the beginning.
    pub(super) async fn frame(&self, payload: Payload, config: IframeConfig, more: &str) -> String {
        // One document for all of them, or it would recycle.
        let stream = encke::http::StreamConfig { bytes: 256 << 20, ..Default::default() };
        let mut service = Iframe::service(self.hub.clone(), config.payload(payload).stream(stream));
        let response = ask(&mut service, &self.target("/iframe", self.begin, more)).await;
        String::from_utf8(response.into_body()).unwrap()
    }
}
