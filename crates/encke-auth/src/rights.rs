//! What somebody may, as JSON: in a token's claim `encke`, in a callback's answer, and in a stored value.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::{ChannelName, Selector};
use encke_hub::{Access, Action};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// Selectors of all lists together, at most.
pub(crate) const SELECTORS: usize = 128;
/// Bytes of the info, at most.
const INFO: usize = 1 << 10;
/// Levels of the info, at most.
const INFO_DEPTH: usize = 32;

/// What somebody may. It is refused as a whole if a part of it is wrong.
///
/// All is optional: `{"subscribe":["news.**"],"publish":["chat.*"],"presence":["chat.*"],"follow":["lobby"],
/// "history":"5m","info":{"name":"Anna"}}`. The history is in seconds where it is a number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    /// Nothing if no list was named, which is not the same as lists with nothing in them.
    allowed: Option<Vec<(Action, Selector)>>,
    follow: Vec<Selector>,
    history: Option<Duration>,
    info: Option<Bytes>,
}

impl Rights {
    /// What the lists allow.
    pub(crate) fn access(&self) -> Access {
        self.access_or(Access::only([]))
    }

    /// What the lists allow, or `unnamed` if no list was named.
    pub(crate) fn access_or(&self, unnamed: Access) -> Access {
        let access = match &self.allowed {
            Some(allowed) => Access::only(allowed.iter().cloned()),
            None => unnamed,
        };
        let access = access.follows(self.follow.iter().cloned());
        let access = match self.history {
            Some(age) => access.history(age),
            None => access,
        };
        match &self.info {
            Some(json) => access.info(json.clone()),
            None => access,
        }
    }

    /// With `asked` as its lists, if no list was named.
    pub(crate) fn or_only(mut self, asked: impl IntoIterator<Item = (Action, Selector)>) -> Self {
        self.allowed.get_or_insert_with(|| asked.into_iter().collect());
        self
    }

    /// What either allows, with the shorter history of the two.
    pub(crate) fn join(&mut self, other: &Self) {
        merge(self.allowed.get_or_insert_default(), other.allowed.iter().flatten());
        merge(&mut self.follow, &other.follow);
        self.history = self.history.into_iter().chain(other.history).min();
        self.info = self.info.take().or_else(|| other.info.clone());
    }

    /// How many selectors the lists have.
    pub(crate) fn len(&self) -> usize {
        self.allowed.as_ref().map_or(0, Vec::len) + self.follow.len()
    }
}

fn merge<'a, T: Clone + PartialEq + 'a>(into: &mut Vec<T>, from: impl IntoIterator<Item = &'a T>) {
    for item in from {
        if !into.contains(item) {
            into.push(item.clone());
        }
    }
}

/// A verified subject's name, if it is one: with an `@` before it, it names a channel.
pub(crate) fn subject(text: &str) -> Option<Arc<str>> {
    let named = !text.is_empty() && ChannelName::new(&format!("@{text}")).is_ok();
    named.then(|| text.into())
}

/// The rights as they are written. `null` is no list: a missing list may mean more than an empty one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default, deserialize_with = "named")]
    subscribe: Option<Vec<String>>,
    #[serde(default, deserialize_with = "named")]
    publish: Option<Vec<String>>,
    #[serde(default, deserialize_with = "named")]
    presence: Option<Vec<String>>,
    #[serde(default)]
    follow: Vec<String>,
    #[serde(default, deserialize_with = "named")]
    history: Option<Age>,
    #[serde(default, deserialize_with = "named")]
    info: Option<Value>,
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(object::<D, Text>(from)?).map_err(D::Error::custom)
    }
}

/// An object, and no list of its fields' values, which a derived struct takes too: `[]` would be one without fields.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    from.deserialize_map(Object(PhantomData))
}

/// A field that is there has a value; `null` is none.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Age {
    Seconds(u64),
    Text(String),
}

impl TryFrom<Text> for Rights {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        let lists = [
            (Action::Subscribe, text.subscribe),
            (Action::Publish, text.publish),
            (Action::Presence, text.presence),
        ];
        let named: usize = lists.iter().filter_map(|(_, list)| list.as_ref()).map(Vec::len).sum();
        if named + text.follow.len() > SELECTORS {
            return Err(format!("there are more than {SELECTORS} selectors"));
        }
        let mut allowed = None;
        for (action, list) in lists {
            let Some(list) = list else { continue };
            let allowed = allowed.get_or_insert_with(Vec::new);
            for text in list {
                allowed.push((action, selector(&text)?));
            }
        }
        Ok(Self {
            allowed,
            follow: text.follow.iter().map(|text| selector(text)).collect::<Result<_, _>>()?,
            history: text.history.map(age).transpose()?,
            info: text.info.map(|info| json(&info)).transpose()?,
        })
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    Selector::new(text).map_err(|error| error.to_string())
}

fn age(age: Age) -> Result<Duration, String> {
    let text = match age {
        Age::Seconds(seconds) => return Ok(Duration::from_secs(seconds)),
        Age::Text(text) => text,
    };
    let number = text.trim_end_matches(|unit: char| unit.is_ascii_lowercase());
    let unit = match &text[number.len()..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let number =
        if number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse::<u64>().ok() } else { None };
    let seconds = unit.and_then(|unit| number?.checked_mul(unit));
    seconds.map(Duration::from_secs).ok_or_else(|| "a history is in seconds, or as 30s, 5m, 2h, 7d".into())
}

fn json(info: &Value) -> Result<Bytes, String> {
    let text = info.to_string();
    if text.len() > INFO || depth(info) > INFO_DEPTH {
        return Err(format!("an info has at most {INFO} bytes and {INFO_DEPTH} levels"));
    }
    Ok(text.into())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Rights> {
        serde_json::from_str(text).ok()
    }

    fn pair(action: Action, text: &str) -> (Action, Selector) {
        (action, Selector::new(text).unwrap())
    }

    #[test]
    fn all_that_is_written_is_read() {
        let rights = read(
            r#"{"subscribe":["news.**"],"publish":["chat.*"],"presence":["chat.*"],"follow":["lobby"],
                "history":"5m","info":{"name":"Anna"}}"#,
        );
        let rights = rights.unwrap();
        let allowed = [
            pair(Action::Subscribe, "news.**"),
            pair(Action::Publish, "chat.*"),
            pair(Action::Presence, "chat.*"),
        ];
        assert_eq!(rights.allowed.as_deref(), Some(&allowed[..]));
        assert_eq!(rights.follow, [Selector::new("lobby").unwrap()]);
        assert_eq!(rights.history, Some(Duration::from_secs(300)));
        assert_eq!(rights.info.as_deref(), Some(&br#"{"name":"Anna"}"#[..]));
    }

    #[test]
    fn no_list_is_not_an_empty_list() {
        assert_eq!(read("{}").unwrap().allowed, None);
        assert_eq!(read(r#"{"follow":["lobby"]}"#).unwrap().allowed, None);
        assert_eq!(read(r#"{"publish":[]}"#).unwrap().allowed, Some(vec![]));
    }

    #[test]
    fn ages_have_one_unit() {
        for (text, seconds) in
            [("0", 0), ("90", 90), (r#""30s""#, 30), (r#""2h""#, 7200), (r#""7d""#, 604_800)]
        {
            let rights = read(&format!(r#"{{"history":{text}}}"#)).unwrap();
            assert_eq!(rights.history, Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn s1_what_is_wrong_in_one_part_is_refused_as_a_whole() {
        let many = format!(r#"{{"subscribe":["a"],"publish":{:?}}}"#, vec!["a"; SELECTORS]);
        let large = format!(r#"{{"info":"{}"}}"#, "x".repeat(INFO));
        let deep = format!(r#"{{"info":{}{}}}"#, "[".repeat(INFO_DEPTH + 1), "]".repeat(INFO_DEPTH + 1));
        let cases = [
            r#"{"subscribe":["news","a.**.b"]}"#,
            r#"{"subscribe":["news",""]}"#,
            r#"{"follow":["a\nb"]}"#,
            r#"{"subscribe":"news"}"#,
            r#"{"subscribe":null}"#,
            r#"{"subscribe":[1]}"#,
            r#"{"subscribe":["news"],"subscribe":["**"]}"#,
            r#"{"subscribes":["news"]}"#,
            r#"{"history":"5"}"#,
            r#"{"history":"5 m"}"#,
            r#"{"history":"+5m"}"#,
            r#"{"history":"m"}"#,
            r#"{"history":"5mm"}"#,
            r#"{"history":"18446744073709551615d"}"#,
            r#"{"history":-1}"#,
            r#"{"history":1.5}"#,
            r#"{"history":null}"#,
            "[]",
            "null",
            &many,
            &large,
            &deep,
        ];
        for case in cases {
            assert!(read(case).is_none(), "{case}");
        }
    }
}
