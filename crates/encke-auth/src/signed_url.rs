use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use encke_core::{ChannelName, Selector, Timestamp};
use encke_hub::{Access, Action, Answer, Ask, Asker, Authorizer, Denied, Reads};

use crate::{clock::Clock, rights};

/// What is signed begins with this: a signature of another scheme means nothing here.
const VERSION: &[u8] = b"encke link 1";
/// Bytes of a secret, at least: those of a signature.
const SECRET: usize = 32;
/// Channels and patterns of one link, at most.
const SELECTORS: usize = 128;
/// Bytes of a query, at most.
const QUERY: usize = 64 << 10;

/// Decides by a signature in the URL that an application gives to its pages:
/// `/sse?channel=chat&expires=1767225600&key=..`.
///
/// The URL says `channel`, as often as there are channels, `expires` in seconds, `subject` if the reader is to be known,
/// and `ip=1` if the link is for one address. Where the route has its channels from elsewhere than from `channel`, those
/// are the signed ones. The signature is in `key` where the link is for subscribing, and in `publish_key` where it is for
/// publishing, so that the URL of a WebSocket can have both.
///
/// It is the HMAC-SHA256 by the secret, in base64url without padding, of these fields, each behind its length as 8 bytes,
/// big-endian: the text `encke link 1`; `subscribe` or `publish`; `expires` as 8 bytes, big-endian; the subject, or
/// nothing; the address as text, or nothing; and each channel once, in the order of their bytes.
#[derive(Debug, Clone)]
pub struct SignedUrl {
    key: hmac::Key,
    ahead: Duration,
    clock: Clock,
}

impl SignedUrl {
    /// Links that are signed with `secret`.
    ///
    /// # Errors
    /// [`LinkError::WeakSecret`] if it has fewer than 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, LinkError> {
        if secret.len() < SECRET {
            return Err(LinkError::WeakSecret);
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            ahead: Duration::from_secs(7 * 24 * 60 * 60),
            clock: Clock::default(),
        })
    }

    /// How long a link may be for: 7 days without it.
    #[must_use]
    pub fn ahead(mut self, ahead: Duration) -> Self {
        self.ahead = ahead;
        self
    }

    /// The clock, instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(clock);
        self
    }

    /// The query of a link, without the question mark.
    ///
    /// # Errors
    /// [`LinkError`] if it would be refused.
    pub fn sign(&self, link: &Link) -> Result<String, LinkError> {
        let claim = link.claim()?;
        if claim.expires() > self.clock.now().after(self.ahead) {
            return Err(LinkError::TooLong);
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(claim.selectors.iter().map(|name| ("channel", name)));
        query.append_pair("expires", &claim.expires.to_string());
        if !claim.subject.is_empty() {
            query.append_pair("subject", &claim.subject);
        }
        if claim.address.is_some() {
            query.append_pair("ip", "1");
        }
        let signature = hmac::sign(&self.key, &claim.bytes());
        query.append_pair(parameter(link.action), &URL_SAFE_NO_PAD.encode(signature));
        Ok(query.finish())
    }

    fn decide(&self, ask: &Ask) -> Result<Access, Denied> {
        let action = ask.action;
        if !matches!(action, Action::Subscribe | Action::Publish) {
            return Err(Denied::Forbidden);
        }
        let (claim, signature) = Claim::read(ask).ok_or(Denied::Unauthenticated)?;
        hmac::verify(&self.key, &claim.bytes(), &signature).map_err(|_| Denied::Unauthenticated)?;
        let (now, expires) = (self.clock.now(), claim.expires());
        if expires <= now {
            return Err(Denied::Expired);
        }
        if expires > now.after(self.ahead) {
            return Err(Denied::Unauthenticated);
        }
        let selectors = claim.selectors.iter().map(|name| Selector::new(name));
        let selectors = selectors.collect::<Result<Vec<_>, _>>().map_err(|_| Denied::Unauthenticated)?;
        let access = Access::only(selectors.into_iter().map(|selector| (action, selector))).until(expires);
        Ok(if claim.subject.is_empty() { access } else { access.for_subject(&claim.subject) })
    }
}

impl Authorizer for SignedUrl {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(self.decide(ask))
    }

    fn reads(&self) -> Reads {
        Reads::nothing().query()
    }

    fn presented(&self, asker: &Asker) -> bool {
        let query = asker.query.as_deref().unwrap_or_default();
        let has = |wanted: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == wanted);
        // By `key` alone, whoever publishes names his message.
        has("publish_key") || has("key") && has("expires")
    }
}

fn parameter(action: Action) -> &'static str {
    if action == Action::Publish { "publish_key" } else { "key" }
}

/// What a link is for.
#[derive(Debug, Clone)]
pub struct Link {
    action: Action,
    selectors: Vec<Selector>,
    expires: Timestamp,
    subject: String,
    address: Option<IpAddr>,
}

impl Link {
    fn new(action: Action, selectors: impl IntoIterator<Item = Selector>, expires: Timestamp) -> Self {
        let selectors = selectors.into_iter().collect();
        Self { action, selectors, expires, subject: String::new(), address: None }
    }

    /// To subscribe to these, and to nothing else, until `expires`, which counts in whole seconds.
    #[must_use]
    pub fn subscribe(selectors: impl IntoIterator<Item = Selector>, expires: Timestamp) -> Self {
        Self::new(Action::Subscribe, selectors, expires)
    }

    /// To publish to these, and to nothing else, until `expires`, which counts in whole seconds.
    #[must_use]
    pub fn publish(channels: impl IntoIterator<Item = ChannelName>, expires: Timestamp) -> Self {
        Self::new(Action::Publish, channels.into_iter().map(Selector::Channel), expires)
    }

    /// For whom, so that he is known by this name.
    #[must_use]
    pub fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    /// From where only.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    fn claim(&self) -> Result<Claim<'_>, LinkError> {
        let mut selectors: Vec<_> =
            self.selectors.iter().map(|known| Cow::Borrowed(known.as_str())).collect();
        selectors.sort_unstable();
        selectors.dedup();
        if selectors.is_empty() || selectors.len() > SELECTORS {
            return Err(LinkError::Channels);
        }
        if !self.subject.is_empty() && rights::subject(&self.subject).is_none() {
            return Err(LinkError::Subject);
        }
        let expires = self.expires.as_millis() / 1_000;
        let (subject, address) = (Cow::Borrowed(self.subject.as_str()), self.address);
        Ok(Claim { action: self.action, expires, subject, address, selectors })
    }
}

/// What is signed.
struct Claim<'a> {
    action: Action,
    expires: u64,
    /// Empty without one.
    subject: Cow<'a, str>,
    address: Option<IpAddr>,
    /// In the order of their bytes, each once.
    selectors: Vec<Cow<'a, str>>,
}

impl<'a> Claim<'a> {
    /// What the query of a request claims, and the signature; nothing if it does not say it in the one right way.
    fn read(ask: &'a Ask) -> Option<(Self, Vec<u8>)> {
        let query = ask.asker.query.as_deref().filter(|query| query.len() <= QUERY)?;
        let (mut expires, mut subject, mut ip, mut signature) = (None, None, None, None);
        let mut selectors = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "channel" => {
                    selectors.push(value);
                    continue;
                }
                "expires" => &mut expires,
                "subject" => &mut subject,
                "ip" => &mut ip,
                name if name == parameter(ask.action) => &mut signature,
                _ => continue,
            };
            // Twice is once too often: others might read the other one.
            if value.is_empty() || place.replace(value).is_some() {
                return None;
            }
        }
        if selectors.is_empty() {
            selectors = ask.selectors.iter().map(|asked| asked.as_str().into()).collect();
        }
        let named = selectors.len();
        selectors.sort_unstable();
        selectors.dedup();
        if selectors.len() != named || named == 0 || named > SELECTORS {
            return None;
        }
        let address = match ip {
            None => None,
            Some(flag) if flag == "1" => Some(ask.asker.address?),
            Some(_) => return None,
        };
        let subject = subject.unwrap_or_default();
        if !subject.is_empty() && rights::subject(&subject).is_none() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature?.as_bytes()).ok()?;
        let claim = Self { action: ask.action, expires: number(&expires?)?, subject, address, selectors };
        Some((claim, signature))
    }

    fn expires(&self) -> Timestamp {
        Timestamp::from_millis(self.expires.saturating_mul(1_000))
    }

    /// Each field behind its length, so that nothing can move from one to the next.
    fn bytes(&self) -> Vec<u8> {
        let action = if self.action == Action::Publish { "publish" } else { "subscribe" };
        let address = self.address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
        let expires = self.expires.to_be_bytes();
        let fields: [&[u8]; 5] =
            [VERSION, action.as_bytes(), &expires, self.subject.as_bytes(), address.as_bytes()];
        let mut bytes = Vec::new();
        for field in fields.into_iter().chain(self.selectors.iter().map(|name| name.as_bytes())) {
            bytes.extend((field.len() as u64).to_be_bytes());
            bytes.extend(field);
        }
        bytes
    }
}

/// A number in its one spelling.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The secret has fewer than 32 bytes.
    WeakSecret,
    /// There are no channels, or more than 128.
    Channels,
    /// The subject cannot name a channel of his own.
    Subject,
    /// It would be good for longer than a link may be.
    TooLong,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeakSecret => write!(f, "the secret has fewer than {SECRET} bytes"),
            Self::Channels => write!(f, "a link is for 1 to {SELECTORS} channels"),
            Self::Subject => f.write_str("the subject cannot name a channel of his own"),
            Self::TooLong => f.write_str("a link is not good for so long"),
        }
    }
}

impl std::error::Error for LinkError {}
