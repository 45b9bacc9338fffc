use std::{borrow::Cow, fmt, str::FromStr};

use encke_hub::{Asker, Reads};
use http::{HeaderName, header};

/// Bytes of what a request brings to a key, at most.
const VALUE: usize = 256;
/// Bytes of a template, at most.
const TEMPLATE: usize = 256;

/// Under which key somebody is stored: a text with one place that his request fills, like `login:{cookie.sid}`.
///
/// The place is `{token}`, `{cookie.NAME}`, `{header.NAME}` or `{query.NAME}`. What fills it has 1 to 256 visible ASCII
/// characters, as it came; what a request brings twice fills nothing. A text before the place keeps those out who name
/// keys that are not for this.
///
/// ```
/// use encke_auth::KeyTemplate;
///
/// assert!("login:{cookie.sid}".parse::<KeyTemplate>().is_ok());
/// assert!("login".parse::<KeyTemplate>().is_err(), "one key for everybody");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    before: Box<str>,
    place: Place,
    after: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Token,
    Cookie(Box<str>),
    Header(HeaderName),
    Query(Box<str>),
}

impl KeyTemplate {
    /// The key of whoever asks, if his request fills it.
    pub(super) fn of(&self, asker: &Asker) -> Option<String> {
        let values = self.place.values(asker);
        let [value] = &values[..] else { return None };
        let fits = (1..=VALUE).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| [&self.before, &**value, &self.after].concat())
    }

    /// Whether a request brings anything for it, be it right or wrong.
    pub(super) fn is_brought(&self, asker: &Asker) -> bool {
        !self.place.values(asker).is_empty()
    }

    /// What it looks at of a request.
    pub(super) fn reads(&self) -> Reads {
        match &self.place {
            Place::Token => Reads::nothing(),
            Place::Cookie(_) => Reads::nothing().headers([header::COOKIE]),
            Place::Header(name) => Reads::nothing().headers([name.clone()]),
            Place::Query(_) => Reads::nothing().query(),
        }
    }
}

impl Place {
    fn values<'a>(&self, asker: &'a Asker) -> Vec<Cow<'a, str>> {
        match self {
            Self::Token => asker.token.as_deref().map(Cow::from).into_iter().collect(),
            Self::Cookie(name) => {
                let values = asker.headers.get_all(header::COOKIE).iter();
                let cookies = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
                let pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
                pairs.filter(|(own, _)| *own == &**name).map(|(_, value)| value.into()).collect()
            }
            Self::Header(name) => {
                let values = asker.headers.get_all(name).iter();
                values.map(|value| value.to_str().unwrap_or_default().into()).collect()
            }
            Self::Query(name) => {
                let pairs = form_urlencoded::parse(asker.query.as_deref().unwrap_or_default().as_bytes());
                pairs.filter(|(own, _)| *own == **name).map(|(_, value)| value).collect()
            }
        }
    }
}

impl FromStr for KeyTemplate {
    type Err = KeyTemplateError;

    fn from_str(text: &str) -> Result<Self, KeyTemplateError> {
        if text.len() > TEMPLATE {
            return Err(KeyTemplateError::TooLong);
        }
        let parts = text.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        let (before, (place, after)) = parts.ok_or(KeyTemplateError::Place)?;
        // More than one could be filled so that two askers have one key.
        if [before, place, after].iter().any(|part| part.contains(['{', '}'])) {
            return Err(KeyTemplateError::Place);
        }
        let place = match place.split_once('.') {
            None if place == "token" => Some(Place::Token),
            Some(("cookie", name)) if is_name(name) => Some(Place::Cookie(name.into())),
            Some(("header", name)) => name.parse().ok().map(Place::Header),
            Some(("query", name)) if !name.is_empty() => Some(Place::Query(name.into())),
            _ => None,
        };
        let place = place.ok_or(KeyTemplateError::Name)?;
        Ok(Self { before: before.into(), place, after: after.into() })
    }
}

/// Whether a cookie can be called so (RFC 6265, section 4.1.1).
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?={}"#.contains(&byte))
}

/// Why a text is no template of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTemplateError {
    /// It is longer than 256 bytes.
    TooLong,
    /// It has not exactly one place that a request fills.
    Place,
    /// The place is none of `{token}`, `{cookie.NAME}`, `{header.NAME}` and `{query.NAME}`.
    Name,
}

impl fmt::Display for KeyTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the template of a key has at most 256 bytes",
            Self::Place => "the template of a key has exactly one place in braces",
            Self::Name => "a place is {token}, {cookie.NAME}, {header.NAME} or {query.NAME}",
        })
    }
}

impl std::error::Error for KeyTemplateError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker() -> Asker {
        let mut asker = Asker::default();
        asker.token = Some("tok".into());
        asker.query = Some("sid=que%72y&twice=1&twice=1&empty=&space=a+b".into());
        for (name, value) in [
            ("cookie", "a=1; sid=cookie; quoted=\"q\""),
            ("cookie", "b=x=y; a=2; sp=a b"),
            ("x-login", "header"),
            ("x-twice", "1"),
            ("x-twice", "1"),
        ] {
            asker.headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        asker
    }

    #[test]
    fn a_request_fills_the_place() {
        let cases = [
            ("{token}", Some("tok")),
            ("login:{cookie.sid}:v1", Some("login:cookie:v1")),
            ("{cookie.b}", Some("x=y")),
            ("{cookie.quoted}", Some("\"q\"")),
            ("{header.X-Login}", Some("header")),
            ("{query.sid}", Some("query")),
            ("{cookie.none}", None),
            ("{header.x-none}", None),
            ("{query.none}", None),
        ];
        for (template, expected) in cases {
            let key = template.parse::<KeyTemplate>().unwrap().of(&asker());
            assert_eq!(key.as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn s1_what_is_odd_fills_nothing() {
        for template in [
            "{cookie.a}",
            "{header.x-twice}",
            "{query.twice}",
            "{query.empty}",
            "{query.space}",
            "{cookie.sp}",
        ] {
            assert_eq!(template.parse::<KeyTemplate>().unwrap().of(&asker()), None, "{template}");
        }
        let token = "{token}".parse::<KeyTemplate>().unwrap();
        let long = "x".repeat(VALUE + 1);
        for odd in ["", "a b", "a\nb", "a\0b", "\u{e9}", "a\u{7f}", &long] {
            let mut asker = Asker::default();
            asker.token = Some(odd.into());
            assert_eq!(token.of(&asker), None, "{odd}");
            asker.token = Some("x".repeat(VALUE).into());
            assert!(token.of(&asker).is_some());
        }
    }

    #[test]
    fn a_template_has_exactly_one_place() {
        let long = format!("{}{{token}}", "x".repeat(TEMPLATE));
        let cases = [
            ("login", KeyTemplateError::Place),
            ("", KeyTemplateError::Place),
            ("login:{token", KeyTemplateError::Place),
            ("login:token}", KeyTemplateError::Place),
            ("{token}{token}", KeyTemplateError::Place),
            ("{cookie.a}:{cookie.b}", KeyTemplateError::Place),
            ("{{token}}", KeyTemplateError::Place),
            ("{}", KeyTemplateError::Name),
            ("{tokens}", KeyTemplateError::Name),
            ("{cookie}", KeyTemplateError::Name),
            ("{cookie.}", KeyTemplateError::Name),
            ("{cookie.a;b}", KeyTemplateError::Name),
            ("{header.a b}", KeyTemplateError::Name),
            ("{query.}", KeyTemplateError::Name),
            ("{body.a}", KeyTemplateError::Name),
            (&long, KeyTemplateError::TooLong),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<KeyTemplate>(), Err(expected), "{text}");
        }
    }
}
