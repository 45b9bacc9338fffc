//! Signed URLs: each says one thing, and nobody can make it say another (S1).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{net::IpAddr, sync::Arc, time::Duration};

use encke_auth::{Link, LinkError, SignedUrl};
use encke_core::{ChannelName, Selector, Timestamp};
use encke_hub::{Action, Answer, Ask, Asker, Authorizer as _, Denied};
use proptest::prelude::*;

const SECRET: &[u8] = b"a secret of thirty-two bytes ok!";
const NOW: u64 = 1_800_000_000;
const HERE: &str = "192.0.2.1";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn signed() -> SignedUrl {
    SignedUrl::new(SECRET).unwrap().clock(|| at(NOW))
}

fn selectors(names: &[&str]) -> Vec<Selector> {
    names.iter().map(|name| Selector::new(name).unwrap()).collect()
}

fn link() -> Link {
    Link::subscribe(selectors(&["news", "chat.*"]), at(NOW + 60))
}

/// What somebody at [`HERE`] may who asks by `query` to do `action` on `names`.
fn decide(url: &SignedUrl, query: &str, action: Action, names: &[&str]) -> Result<Vec<bool>, Denied> {
    decide_from(url, query, action, names, Some(HERE.parse().unwrap()))
}

fn decide_from(
    url: &SignedUrl,
    query: &str,
    action: Action,
    names: &[&str],
    address: Option<IpAddr>,
) -> Result<Vec<bool>, Denied> {
    let mut asker = Asker::default();
    asker.address = address;
    asker.query = Some(query.into());
    let asked = selectors(names);
    let ask = Ask::from_asker(Arc::new(asker), action, asked.clone());
    let Answer::Now(Some(decided)) = url.authorize(&ask) else { panic!("it decides at once") };
    decided.map(|access| asked.iter().map(|selector| access.allows(action, selector)).collect())
}

fn subscribe(query: &str) -> Result<Vec<bool>, Denied> {
    decide(&signed(), query, Action::Subscribe, &["news"])
}

#[test]
fn a_link_opens_its_channels_and_no_others() {
    let query = signed().sign(&link()).unwrap();
    assert!(query.starts_with("channel=chat.*&channel=news&expires=1800000060&key="), "{query}");
    let names = ["news", "chat.*", "chat.eu", "chat", "chat.**", "@anna", "$notices"];
    let expected = vec![true, true, true, false, false, false, false];
    assert_eq!(decide(&signed(), &query, Action::Subscribe, &names), Ok(expected));
    for action in [Action::Publish, Action::Presence, Action::Inspect, Action::Delete, Action::Administer] {
        assert!(decide(&signed(), &query, action, &["news"]).is_err(), "{action:?}");
    }
    let asker = |query: &str| {
        let mut asker = Asker::default();
        asker.query = Some(query.into());
        asker
    };
    assert!(signed().presented(&asker(&query)));
    assert!(signed().presented(&asker("publish_key=")));
    for other in ["channel=news&monkey=1&expires=1", "channel=news&key=1", ""] {
        assert!(!signed().presented(&asker(other)), "{other}");
    }
}

#[test]
fn the_signature_is_what_other_languages_make_of_the_same_fields() {
    let link = Link::subscribe(selectors(&["chat.*", "café"]), at(NOW + 60)).subject("anna");
    let query = signed().sign(&link.address(HERE.parse().unwrap())).unwrap();
    // By Python's hmac and struct, as the documentation says.
    let expected = "channel=caf%C3%A9&channel=chat.*&expires=1800000060&subject=anna&ip=1\
                    &key=KZ-YEnBkpbuKuZywlW-vcniVvH2AxxtCnLMYxvgT8rA";
    assert_eq!(query, expected);
}

#[test]
fn a_link_for_publishing_says_so_and_one_url_can_hold_both() {
    let publish = Link::publish([ChannelName::new("news").unwrap()], at(NOW + 60));
    let publish = signed().sign(&publish).unwrap();
    assert!(publish.contains("&publish_key="));
    assert_eq!(decide(&signed(), &publish, Action::Publish, &["news"]), Ok(vec![true]));
    assert_eq!(subscribe(&publish), Err(Denied::Unauthenticated));
    let as_key = publish.replace("publish_key", "key");
    assert_eq!(subscribe(&as_key), Err(Denied::Unauthenticated), "the action is signed");

    let subscribe = signed().sign(&Link::subscribe(selectors(&["news"]), at(NOW + 60))).unwrap();
    let (_, key) = subscribe.split_once("&key=").unwrap();
    let both = format!("{publish}&key={key}");
    for action in [Action::Publish, Action::Subscribe] {
        assert_eq!(decide(&signed(), &both, action, &["news"]), Ok(vec![true]), "{action:?}");
    }
}

#[test]
fn channels_from_elsewhere_are_the_signed_ones() {
    let query = signed().sign(&Link::subscribe(selectors(&["news"]), at(NOW + 60))).unwrap();
    let query = query.strip_prefix("channel=news&").unwrap();
    let decide = |names: &[&str]| decide(&signed(), query, Action::Subscribe, names);
    assert_eq!(decide(&["news"]), Ok(vec![true]));
    for others in [&["chat"][..], &["news", "chat"], &["news.*"], &[]] {
        assert_eq!(decide(others), Err(Denied::Unauthenticated), "{others:?}");
    }
}

#[test]
fn a_subject_is_known_and_owns_his_channel() {
    let link = Link::subscribe(selectors(&["@anna", "@bert"]), at(NOW + 60)).subject("anna");
    let query = signed().sign(&link).unwrap();
    let opened = decide(&signed(), &query, Action::Subscribe, &["@anna", "@bert"]);
    assert_eq!(opened, Ok(vec![true, false]));
}

#[test]
fn s1_a_link_for_an_address_is_good_from_there_only() {
    let query = signed().sign(&link().address("::ffff:192.0.2.1".parse().unwrap())).unwrap();
    assert_eq!(subscribe(&query), Ok(vec![true]));
    let from = |address: Option<&str>| {
        let address = address.map(|text| text.parse().unwrap());
        decide_from(&signed(), &query, Action::Subscribe, &["news"], address)
    };
    assert_eq!(from(Some("::ffff:192.0.2.1")), Ok(vec![true]));
    for elsewhere in [Some("192.0.2.2"), Some("::1"), None] {
        assert_eq!(from(elsewhere), Err(Denied::Unauthenticated), "{elsewhere:?}");
    }
    for change in ["", "&ip=0", "&ip=", "&ip=1&ip=1", "&ip=true"] {
        assert_eq!(subscribe(&query.replace("&ip=1", change)), Err(Denied::Unauthenticated), "{change:?}");
    }
    let unbound = signed().sign(&link()).unwrap();
    assert_eq!(subscribe(&format!("{unbound}&ip=1")), Err(Denied::Unauthenticated));
}

#[test]
fn a_link_ends_and_is_not_good_for_ever() {
    let expires = |seconds: u64| signed().sign(&Link::subscribe(selectors(&["news"]), at(seconds)));
    assert_eq!(subscribe(&expires(NOW + 1).unwrap()), Ok(vec![true]));
    for over in [NOW, NOW - 1, 0] {
        assert_eq!(subscribe(&expires(over).unwrap()), Err(Denied::Expired), "{over}");
    }
    let week = 7 * 24 * 60 * 60;
    assert!(expires(NOW + week).is_ok());
    assert_eq!(expires(NOW + week + 1), Err(LinkError::TooLong));
    // Whoever has the secret, and signs for longer than this node takes.
    let patient = signed().ahead(Duration::MAX);
    let query = patient.sign(&Link::subscribe(selectors(&["news"]), at(NOW + week + 1))).unwrap();
    assert_eq!(subscribe(&query), Err(Denied::Unauthenticated));
    assert_eq!(decide(&patient, &query, Action::Subscribe, &["news"]), Ok(vec![true]));
}

#[test]
fn links_that_would_be_refused_are_not_signed() {
    assert_eq!(SignedUrl::new(&SECRET[1..]).err(), Some(LinkError::WeakSecret));
    let sign = |link: &Link| signed().sign(link).map(drop);
    let many: Vec<_> = (0..129).map(|number| Selector::new(&format!("c{number}")).unwrap()).collect();
    assert_eq!(sign(&Link::subscribe(many[..128].to_vec(), at(NOW + 60))), Ok(()));
    assert_eq!(sign(&Link::subscribe(many, at(NOW + 60))), Err(LinkError::Channels));
    assert_eq!(sign(&Link::subscribe([], at(NOW + 60))), Err(LinkError::Channels));
    for subject in ["a.*", "a\n", "a.**", &"a".repeat(255)] {
        assert_eq!(sign(&link().subject(subject)), Err(LinkError::Subject), "{subject}");
    }
}

#[test]
fn s1_whatever_is_changed_in_a_query_it_is_refused() {
    let plain = signed().sign(&link().subject("anna")).unwrap();
    assert_eq!(subscribe(&plain), Ok(vec![true]));
    let (rest, key) = plain.split_once("&key=").unwrap();
    let changed = [
        plain.replace("news", "chat"),
        plain.replace("channel=news&", ""),
        plain.replace("channel=news", "channel=news&channel=news"),
        plain.replace("chat.*", "chat.**"),
        format!("channel=other&{plain}"),
        plain.replace("1800000060", "1800000061"),
        plain.replace("1800000060", "01800000060"),
        plain.replace("1800000060", "%2B1800000060"),
        plain.replace("1800000060", "1800000060.0"),
        plain.replace("1800000060", "18446744073709551616"),
        plain.replace("expires=1800000060", "expires="),
        plain.replace("expires=1800000060&", ""),
        format!("{plain}&expires=1800000060"),
        format!("expires=1900000000&{plain}"),
        plain.replace("anna", "Anna"),
        plain.replace("subject=anna&", ""),
        plain.replace("subject=anna", "subject="),
        format!("{plain}&subject=anna"),
        format!("{plain}&ip=1"),
        format!("{plain}&key={key}"),
        format!("{rest}&key="),
        rest.to_owned(),
        format!("{plain}="),
        format!("{rest}&key={}", &key[1..]),
        format!("{rest}&key={}", &key[..key.len() - 1]),
        format!("{rest}&key={key}A"),
        format!("{rest}&key={}", "A".repeat(43)),
        format!("{rest}&key={}", "x".repeat(70_000)),
        format!("{rest}&KEY={key}"),
    ];
    for query in &changed {
        assert_eq!(subscribe(query), Err(Denied::Unauthenticated), "{query}");
    }
    let other = SignedUrl::new(b"another secret of thirty-two bytes").unwrap().clock(|| at(NOW));
    assert_eq!(decide(&other, &plain, Action::Subscribe, &["news"]), Err(Denied::Unauthenticated));
    assert_eq!(subscribe(&format!("x=1&{plain}&y=2&since=-20")), Ok(vec![true]), "the rest is not signed");
}

/// What a link says, as a query has it.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    publish: bool,
    channels: Vec<String>,
    expires: u64,
    subject: String,
    bound: bool,
}

impl Said {
    fn link(&self) -> Link {
        let expires = at(self.expires);
        let link = if self.publish {
            Link::publish(self.channels.iter().map(|name| ChannelName::new(name).unwrap()), expires)
        } else {
            Link::subscribe(self.channels.iter().map(|name| Selector::new(name).unwrap()), expires)
        };
        let link = link.subject(&self.subject);
        if self.bound { link.address(HERE.parse().unwrap()) } else { link }
    }

    fn query(&self, key: &str) -> String {
        self.query_of(&self.expires.to_string(), &self.subject, &self.channels, key)
    }

    /// A query of the same kind with other fields. They need no escapes.
    fn query_of(&self, expires: &str, subject: &str, channels: &[String], key: &str) -> String {
        let mut pairs: Vec<_> = channels.iter().map(|name| format!("channel={name}")).collect();
        pairs.push(format!("expires={expires}"));
        pairs.extend((!subject.is_empty()).then(|| format!("subject={subject}")));
        pairs.extend(self.bound.then(|| "ip=1".to_owned()));
        pairs.push(format!("{}={key}", if self.publish { "publish_key" } else { "key" }));
        pairs.join("&")
    }

    fn action(&self) -> Action {
        if self.publish { Action::Publish } else { Action::Subscribe }
    }

    /// The order and the number of times that a channel is named mean nothing.
    fn same(&self, other: &Self) -> bool {
        let set = |said: &Self| {
            let mut channels = said.channels.clone();
            channels.sort();
            channels.dedup();
            channels
        };
        let other = Self { channels: set(other), ..other.clone() };
        Self { channels: set(self), ..self.clone() } == other
    }
}

fn said() -> impl Strategy<Value = Said> {
    // Few letters and digits, so that fields often look as if they went on in the next one.
    let name = "[ab1.]{1,4}";
    let channels = prop::collection::vec(name, 1..4);
    (any::<bool>(), channels, NOW + 1..NOW + 12, "[ab1.]{0,4}", any::<bool>()).prop_map(
        |(publish, mut channels, expires, subject, bound)| {
            channels.sort();
            channels.dedup();
            Said { publish, channels, expires, subject, bound }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn s1_a_key_opens_what_it_was_signed_for_and_nothing_else(one in said(), other in said()) {
        let query = signed().sign(&one.link()).unwrap();
        let (_, key) = query.rsplit_once("key=").unwrap();
        let opened = |said: &Said| decide(&signed(), &said.query(key), said.action(), &["a"]).is_ok();
        prop_assert!(opened(&one));
        let changed = [
            Said { publish: other.publish, ..one.clone() },
            Said { channels: other.channels.clone(), ..one.clone() },
            Said { expires: other.expires, ..one.clone() },
            Said { subject: other.subject.clone(), ..one.clone() },
            Said { bound: other.bound, ..one.clone() },
            other,
        ];
        for said in changed {
            prop_assert_eq!(opened(&said), one.same(&said), "{:?} by a key for {:?}", said, one);
        }
    }

    /// Bytes move from the end of one field to the beginning of the next, or back.
    #[test]
    fn s1_no_byte_moves_between_fields(one in said(), count in 1_usize..4) {
        let query = signed().sign(&one.link()).unwrap();
        let (_, key) = query.rsplit_once("key=").unwrap();
        let fields = [&[one.expires.to_string(), one.subject.clone()], &one.channels[..]].concat();
        for at in 0..fields.len() - 1 {
            let joined = fields[at].clone() + &fields[at + 1];
            let length = fields[at].len();
            for cut in [length.saturating_sub(count), (length + count).min(joined.len())] {
                let (left, right) = joined.split_at(cut);
                let mut moved = fields.clone();
                (moved[at], moved[at + 1]) = (left.to_owned(), right.to_owned());
                let said = Said { channels: moved[2..].to_vec(), ..one.clone() };
                if moved[..2] == fields[..2] && said.same(&one) {
                    continue;
                }
                let query = one.query_of(&moved[0], &moved[1], &moved[2..], key);
                let opened = decide(&signed(), &query, one.action(), &["a"]);
                prop_assert_eq!(opened, Err(Denied::Unauthenticated), "{} of {:?}", query, one);
            }
        }
    }

    #[test]
    fn s3_any_query_is_refused(query in ".*", more in "(channel|expires|subject|ip|key|publish_key|[=&%])*") {
        for query in [&query, &more] {
            prop_assert!(subscribe(query).is_err());
        }
    }
}
