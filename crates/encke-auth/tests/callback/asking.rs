use std::sync::Arc;

use encke_auth::{Callback, CallbackConfig, CallbackError};
use encke_core::Selector;
use encke_hub::{Action, Asker, Authorizer as _, Denied};
use http::{HeaderName, header};

use crate::application::{Application, Asking, Reply, nobody, with_cookie};

fn known() -> Arc<Asker> {
    let mut asker = Asker::default();
    asker.address = Some("192.0.2.7".parse().unwrap());
    asker.client = Some("tab-1".into());
    asker.token = Some("to\"ken".into());
    let headers = [("cookie", "id=1"), ("cookie", "b=2"), ("authorization", "Bearer x"), ("x-other", "y")];
    for (name, value) in headers {
        asker.headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    Arc::new(asker)
}

#[tokio::test]
async fn the_application_reads_who_wants_what() {
    let application = Application::start(|_| Reply::json("{}")).await;
    let asking = Asking::new(&application.url());
    asking.subscribe(&known(), &["news", "chat.*"]).await.unwrap();
    asking.ask(&nobody(), Action::Publish, &["news"]).await.unwrap();

    let asked = application.asked();
    assert!(asked[0].head.starts_with("post /access http/1.1\r\n"), "{}", asked[0].head);
    for line in [
        "accept: application/json",
        "content-type: application/json",
        "cookie: id=1; b=2",
        "authorization: bearer x",
    ] {
        assert_eq!(asked[0].head.matches(&format!("\r\n{line}")).count(), 1, "{line} in {}", asked[0].head);
    }
    assert!(!asked[0].head.contains("x-other"), "only what was configured");
    assert_eq!(
        asked[0].body,
        r#"{"action":"subscribe","channels":["news","chat.*"],"address":"192.0.2.7","client":"tab-1","token":"to\"ken"}"#
    );
    assert_eq!(asked[1].body, r#"{"action":"publish","channels":["news"]}"#);
}

#[tokio::test]
async fn an_answer_is_the_grant() {
    let body = r#"{"sub":"42","ttl":30,"rights":{"subscribe":["news.**"],"follow":["lobby"]}}"#;
    let application = Application::start(move |_| Reply::json(body)).await;
    let asking = Asking::new(&application.url());
    let grant = asking.subscribe(&nobody(), &["news.eu"]).await.unwrap();
    assert_eq!(grant.subject(), Some("42"));
    assert_eq!(grant.expires(), Some(asking.clock.now().after(std::time::Duration::from_secs(30))));
    assert_eq!(grant.follows(), [Selector::new("lobby").unwrap()]);
    assert_eq!(asking.subscribe(&nobody(), &["chat"]).await.unwrap_err(), Denied::Forbidden);
    assert!(asking.subscribe(&nobody(), &["@42"]).await.is_ok(), "his own");
    assert_eq!(asking.subscribe(&nobody(), &["@43"]).await.unwrap_err(), Denied::Forbidden);
}

#[tokio::test]
async fn without_lists_exactly_what_was_asked_is_allowed() {
    let application = Application::start(|_| Reply::json(r#"{"rights":{"history":"5m"}}"#)).await;
    let asking = Asking::new(&application.url());
    for channels in [&["news"][..], &["a", "b"], &["chat.*", "news"], &["$presence.news"], &["$notices"]] {
        assert!(asking.subscribe(&nobody(), channels).await.is_ok(), "{channels:?}");
    }
    assert_eq!(
        asking.subscribe(&nobody(), &["@anna"]).await.unwrap_err(),
        Denied::Forbidden,
        "another's own"
    );
}

#[tokio::test]
async fn who_asks_for_no_channel_is_asked_about_too() {
    let body = r#"{"sub":"42","rights":{"follow":["lobby"]}}"#;
    let application = Application::start(move |_| Reply::json(body)).await;
    let asking = Asking::new(&application.url());
    for _ in 0..2 {
        assert_eq!(asking.subscribe(&nobody(), &[]).await.unwrap().follows().len(), 1);
    }
    assert_eq!(application.count(), 1);
    let refusing = Application::start(|_| Reply::new("401 Who", "text/plain", "")).await;
    let refused = Asking::new(&refusing.url()).subscribe(&nobody(), &[]).await;
    assert_eq!(refused.unwrap_err(), Denied::Unauthenticated);
}

#[test]
fn headers_of_a_connection_are_not_sent_along() {
    let with = |name: &'static str| {
        let mut config = CallbackConfig::new("http://127.0.0.1/".parse().unwrap());
        config.headers = vec![header::COOKIE, HeaderName::from_static(name)];
        Callback::new(config)
    };
    let connection = [
        "host",
        "connection",
        "keep-alive",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "proxy-connection",
        "proxy-authorization",
        "content-type",
        "accept",
        "accept-encoding",
        "expect",
    ];
    for name in connection {
        let refused = with(name).map(|_| ()).unwrap_err();
        assert_eq!(refused, CallbackError::Header(HeaderName::from_static(name)));
    }
    let callback = with("x-login").unwrap();
    assert_eq!(callback.reads().headers, [header::COOKIE, HeaderName::from_static("x-login")]);
    assert!(callback.presented(&with_cookie("a=1")) && !callback.presented(&Asker::default()));
}
