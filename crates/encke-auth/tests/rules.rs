//! Authorizers that join others: namespaces, and the first of several (S1).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use encke_auth::{AccessKeys, ByAddress, FirstOf, Namespace, NamespaceError, Namespaces, SignedUrl, Who};
use encke_core::{Selector, Since};
use encke_hub::{
    Access,
    Action::{self, Administer, Inspect, Presence, Publish, Subscribe},
    Answer, Ask, Asker, Authorizer, Denied, Grant, Hub, Open, Reads,
};
use http::{HeaderName, header};

fn selectors(names: &[&str]) -> Vec<Selector> {
    names.iter().map(|name| Selector::new(name).unwrap()).collect()
}

fn asker(token: &str) -> Asker {
    if token.is_empty() { Asker::default() } else { Asker::default().with_token(token) }
}

async fn grant(
    authorizer: impl Authorizer,
    asker: Asker,
    action: Action,
    names: &[&str],
) -> Result<Grant, Denied> {
    let hub = Hub::builder().authorizer(authorizer).build().unwrap();
    hub.authorize(&Ask::from_asker(Arc::new(asker), action, selectors(names))).await
}

/// Whether all of it may be done.
async fn may(
    authorizer: &(impl Authorizer + Clone),
    token: &str,
    action: Action,
    names: &[&str],
) -> Result<bool, Denied> {
    let ask = Ask::from_asker(Arc::new(asker(token)), action, selectors(names));
    let access = authorizer.authorize(&ask).await?;
    Ok(ask.selectors.iter().all(|selector| access.allows(action, selector)))
}

/// `anna` is granted some, `server` has a key without a name, `root` runs the node, `over` has expired.
#[derive(Clone)]
struct Tokens;

impl Authorizer for Tokens {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let some =
            [(Subscribe, "news.**"), (Publish, "chat.eu"), (Presence, "chat.eu"), (Subscribe, "shut.x")];
        let some = || Access::only(some.map(|(action, name)| (action, Selector::new(name).unwrap())));
        let follows = || selectors(&["lobby", "shut.a", "@anna"]);
        Answer::now(match ask.asker.token.as_deref() {
            None => Err(Denied::Unauthenticated),
            Some("anna") => Ok(some().for_subject("anna").by_token("t1").follows(follows())),
            Some("server") => Ok(some()),
            Some("root") => Ok(Access::everything()),
            Some("over") => Err(Denied::Expired),
            Some("down") => Err(Denied::Undecided),
            Some(_) => Err(Denied::Unauthenticated),
        })
    }

    fn reads(&self) -> Reads {
        Reads::nothing().headers([header::COOKIE])
    }

    fn presented(&self, asker: &Asker) -> bool {
        asker.token.is_some()
    }
}

fn namespaces() -> Namespaces {
    let rules = [
        Namespace::new("open.secret").unwrap(),
        Namespace::new("open.**").unwrap().may(Who::Anyone, Subscribe).may(Who::Anyone, Presence),
        Namespace::new("chat.*").unwrap().may(Who::Known, Subscribe).may(Who::Known, Publish),
        Namespace::new("shut.**").unwrap().may(Who::Nobody, Subscribe),
        Namespace::new("pit.**").unwrap().may(Who::Anyone, Administer).may(Who::Anyone, Inspect),
    ];
    Namespaces::new(Tokens, rules)
}

type Case<'a> = (Action, &'a [&'a str], Result<bool, Denied>, bool, bool);

#[tokio::test]
async fn s1_each_channel_has_its_rule() {
    let no = Err(Denied::Unauthenticated);
    // What, on which, without a token, by anna's, by the server's.
    let cases: [Case<'_>; 29] = [
        (Subscribe, &["open.a"], Ok(true), true, true),
        (Subscribe, &["open.secret"], no, false, false),
        (Subscribe, &["open.a.b", "open.c"], Ok(true), true, true),
        (Subscribe, &["open.a", "open.secret"], no, false, false),
        (Subscribe, &["open.**"], no, false, false),
        (Subscribe, &["open.*"], no, false, false),
        (Subscribe, &["open.*.x"], Ok(true), true, true),
        (Subscribe, &["**"], no, false, false),
        (Publish, &["open.a"], no, false, false),
        (Presence, &["open.a"], Ok(true), true, true),
        (Subscribe, &["$presence.open.a"], Ok(true), true, true),
        (Subscribe, &["$presence.open.secret"], no, false, false),
        (Subscribe, &["$presence.chat.eu"], no, true, true),
        (Subscribe, &["$presence.chat.us"], no, false, false),
        (Subscribe, &["chat.us"], no, true, false),
        (Subscribe, &["chat.*"], no, true, false),
        (Subscribe, &["chat.us.x"], no, false, false),
        (Publish, &["chat.us"], no, true, false),
        (Publish, &["chat.eu"], no, true, true),
        (Subscribe, &["news.a", "open.a", "chat.a"], no, true, false),
        (Subscribe, &["news.a", "open.a"], no, true, true),
        (Subscribe, &["news.*"], no, true, true),
        (Subscribe, &["shut.x"], no, false, false),
        (Subscribe, &["elsewhere"], no, false, false),
        (Subscribe, &["@anna"], no, true, false),
        (Subscribe, &["@bert"], no, false, false),
        (Subscribe, &["$notices"], no, false, false),
        (Administer, &["pit.a"], no, false, false),
        (Inspect, &["pit.a"], Ok(true), true, true),
    ];
    let namespaces = namespaces();
    for (action, names, nobody, anna, server) in cases {
        let by = async |token: &str| may(&namespaces, token, action, names).await;
        assert_eq!(by("").await, nobody, "{action:?} {names:?} without a token");
        assert_eq!(by("anna").await, Ok(anna), "{action:?} {names:?} by anna");
        assert_eq!(by("server").await, Ok(server), "{action:?} {names:?} by the server");
        assert_eq!(by("root").await, Ok(true), "{action:?} {names:?} by who runs the node");
        assert_eq!(by("wrong").await, no, "{action:?} {names:?} by a wrong token");
        assert_eq!(by("over").await, Err(Denied::Expired), "{action:?} {names:?} by an expired token");
        assert_eq!(by("down").await, Err(Denied::Undecided), "{action:?} {names:?} while it is not known");
    }
}

#[tokio::test]
async fn who_somebody_is_stays_and_what_he_follows_unless_nobody_may() {
    let granted = grant(namespaces(), asker("anna"), Subscribe, &["open.a"]).await.unwrap();
    assert_eq!((granted.subject(), granted.token_id()), (Some("anna"), Some("t1")));
    let follows: Vec<_> = granted.follows().iter().map(Selector::as_str).collect();
    assert_eq!(follows, ["lobby", "@anna"]);
}

#[tokio::test]
async fn who_asks_for_nothing_yet_is_let_in_where_there_is_something_to_ask_for() {
    let empty = |action| grant(namespaces(), asker(""), action, &[]);
    assert!(empty(Subscribe).await.is_ok());
    assert_eq!(empty(Publish).await.map(drop), Err(Denied::Unauthenticated));

    // And has nothing by it.
    let hub = Hub::builder().authorizer(namespaces()).build().unwrap();
    let nothing = hub.authorize(&Ask::new(Subscribe, vec![])).await.unwrap();
    assert!(hub.subscribe(&nothing, "test", selectors(&["open.a"]), Since::Latest).await.is_err());
}

#[tokio::test]
async fn namespaces_close_what_is_open() {
    let shut = Namespace::new("shut.**").unwrap().may(Who::Nobody, Subscribe);
    let namespaces = Namespaces::new(Open, [shut]);
    for (names, expected) in [(["shut.a"], false), (["**"], false), (["news"], true), (["@anna"], false)] {
        assert_eq!(may(&namespaces, "", Subscribe, &names).await, Ok(expected), "{names:?}");
    }
    assert_eq!(may(&namespaces, "", Publish, &["shut.a"]).await, Ok(true));
}

#[test]
fn no_rule_names_what_belongs_to_somebody() {
    for name in ["@anna", "@*", "$notices", "$presence.news", "$**"] {
        assert_eq!(Namespace::new(name).map(drop), Err(NamespaceError::Reserved), "{name}");
    }
    assert!(matches!(Namespace::new("a.**.b"), Err(NamespaceError::Name(_))));
}

const KEY: &str = "a key that is long enough";

fn first() -> FirstOf {
    let keys = AccessKeys::new().with("shop", KEY, Access::everything()).unwrap();
    let local = ByAddress::new().with("127.0.0.1", Access::open()).unwrap();
    let urls = SignedUrl::new(&[7; 32]).unwrap();
    FirstOf::new(keys).or(Tokens).or(urls).or(local)
}

#[tokio::test]
async fn s1_what_is_wrong_never_falls_through_to_what_is_open() {
    let anna = Ok((Some("anna"), false));
    let no = Err(Denied::Unauthenticated);
    let cases = [
        // From where, token, query, and who it is.
        ("127.0.0.1", "", "", Ok((None, false))),
        ("192.0.2.1", "", "", no),
        ("192.0.2.1", KEY, "", Ok((None, true))),
        ("192.0.2.1", "anna", "", anna),
        ("127.0.0.1", "anna", "", anna),
        ("127.0.0.1", "wrong", "", no),
        ("127.0.0.1", "over", "", Err(Denied::Expired)),
        ("127.0.0.1", "down", "", Err(Denied::Undecided)),
        ("127.0.0.1", "", "key=wrong&expires=1", no),
        ("127.0.0.1", "", "key=&expires=", no),
        ("127.0.0.1", "", "key=names-a-message", Ok((None, false))),
        ("127.0.0.1", "wrong", "key=wrong&expires=1", no),
        ("127.0.0.1", "over", "key=wrong&expires=1", Err(Denied::Expired)),
        // A right one is enough; the wrong one adds nothing to it.
        ("127.0.0.1", "anna", "key=wrong&expires=1", anna),
    ];
    for (address, token, query, expected) in cases {
        let mut asker = asker(token);
        asker.address = Some(address.parse().unwrap());
        asker.query = Some(query.into());
        let decided = grant(first(), asker, Subscribe, &["news.a"]).await;
        let decided = decided.as_ref().map(|grant| (grant.subject(), grant.is_trusted()));
        assert_eq!(decided.map_err(|denied| *denied), expected, "{token:?} {query:?} from {address}");
    }
}

#[tokio::test]
async fn only_those_are_asked_that_know_what_was_brought() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let other = move |_: &Ask| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Access::open())
    };
    let either = FirstOf::new(Tokens).or(other);
    assert_eq!(may(&either, "wrong", Subscribe, &["news"]).await, Err(Denied::Unauthenticated));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(may(&either, "", Subscribe, &["news"]).await, Ok(true));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn what_several_read_is_read_once() {
    let reads = FirstOf::new(first()).or(Tokens).or(|_: &Ask| Ok(Access::open())).reads();
    assert_eq!(reads, Reads::nothing().headers([header::COOKIE]).query().extensions());
    assert_eq!(namespaces().reads().headers, [HeaderName::from_static("cookie")]);
}

#[tokio::test]
async fn a_key_says_by_its_name_who_came() {
    let rights = Access::only([(Publish, Selector::new("shop.**").unwrap())]);
    let keys = AccessKeys::new().with("shop", KEY, rights).unwrap();
    let granted = grant(keys.clone(), asker(KEY), Publish, &["shop.a"]).await.unwrap();
    assert_eq!((granted.token_id(), granted.is_trusted()), (Some("shop"), false));
    let long = "k".repeat(1 << 20);
    for wrong in
        ["", "a key that is long enoug", "A key that is long enough", "a key that is long enough ", &long]
    {
        let denied = grant(keys.clone(), asker(wrong), Publish, &["shop.a"]).await;
        assert_eq!(denied.map(drop), Err(Denied::Unauthenticated), "{}", wrong.len());
    }
}
