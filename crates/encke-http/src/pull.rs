use encke_core::{Batch, Cursor, Delivery, Gap, Limit, Message, Selector, Since};
use encke_wire::{Data, Envelope, Problem, write_for_script, write_gap};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};

use crate::{Body, Callback, ChannelSource, CursorCookie, Params, accepts};

/// What an answer shows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Payload {
    /// The whole envelope.
    #[default]
    Envelope,
    /// Its data alone.
    Data,
}

/// What the transports that answer with one batch have in common: how a request says what it wants, and how the
/// batch looks.
#[derive(Debug, Clone, Default)]
pub struct PullConfig {
    channels: ChannelSource,
    payload: Payload,
    cursor_field: Option<String>,
    cookie: bool,
    jsonp: bool,
}

/// Messages in a batch: unless the request says otherwise, and at most.
const BATCH: Limit = Limit { messages: 1_000, bytes: 1 << 20 };

impl PullConfig {
    /// Where the channels come from; the query parameter `channel` by default.
    #[must_use]
    pub fn channels(mut self, channels: ChannelSource) -> Self {
        self.channels = channels;
        self
    }

    /// Where they come from.
    #[must_use]
    pub fn source(&self) -> &ChannelSource {
        &self.channels
    }

    /// What is shown of a message; the envelope by default.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Also shows the cursor of each message that is a JSON object, and of each gap, under this name, for clients that
    /// look for it there.
    #[must_use]
    pub fn cursor_field(mut self, name: Option<String>) -> Self {
        self.cursor_field = name;
        self
    }

    /// Keeps the client's cursor in a cookie, for clients that send none. Off by default.
    #[must_use]
    pub fn cookie(mut self, cookie: bool) -> Self {
        self.cookie = cookie;
        self
    }

    /// Answers `callback=name` with a script that calls it. Off by default: any page can then read the channel.
    #[must_use]
    pub fn jsonp(mut self, jsonp: bool) -> Self {
        self.jsonp = jsonp;
        self
    }
}

/// A request for a batch.
#[derive(Debug)]
pub struct Pull<'a> {
    config: &'a PullConfig,
    /// What it asks for.
    pub selectors: Vec<Selector>,
    /// Where it begins, by parameter or cookie.
    pub since: Option<Since>,
    /// How much it takes.
    pub limit: Limit,
    callback: Option<Callback>,
    cookie: Option<CursorCookie>,
}

impl<'a> Pull<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Problem`] says what is wrong with it.
    pub fn read(config: &'a PullConfig, parts: &Parts, params: &Params<'_>) -> Result<Self, Problem> {
        let selectors = config.channels.selectors(parts, params)?;
        let callback = match params.get("callback") {
            Some(_) if !config.jsonp => return Err(Problem::bad_request("JSONP is off on this route")),
            callback => callback.map(Callback::new).transpose()?,
        };
        let offer = if callback.is_some() { "application/javascript" } else { "application/json" };
        if callback.is_none() && !accepts(&parts.headers, offer) {
            return Err(Problem::not_acceptable(format!("this route answers with {offer}")));
        }
        let messages = params.number("limit", 1, BATCH.messages as u64)?;
        let messages = messages.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(BATCH.messages);
        let cookie = config.cookie.then(|| CursorCookie::read(parts, &selectors));
        let kept = cookie.as_ref().and_then(CursorCookie::cursor).map(Since::After);
        let since = params.since()?.or(kept);
        Ok(Self { config, selectors, since, limit: Limit { messages, ..BATCH }, callback, cookie })
    }

    /// Takes from a request what a browser adds by itself to a script of any page: any page could read what it opens.
    pub fn distrust(&self, parts: &mut Parts) {
        if self.callback.is_some() {
            parts.headers.remove(header::COOKIE);
        }
    }

    /// The answer with `batch` in it: `{"messages":[..],"cursor":".."}`, oldest first, or newest first.
    #[must_use]
    pub fn answer(&self, batch: &Batch, newest_first: bool) -> Response<Body> {
        let size: usize = batch.messages.iter().map(Delivery::size).sum();
        let mut json = Vec::with_capacity(size + 64 * batch.gaps.len() + 64);
        json.extend_from_slice(b"{\"messages\":[");
        let mut items = Items { out: &mut json, config: self.config, first: true };
        if newest_first {
            batch.messages.iter().rev().for_each(|message| items.message(message));
            // What is missing is older than what is there, so a client that goes on from the first item goes on right.
            batch.gaps.iter().rev().for_each(|gap| items.gap(gap));
        } else {
            batch.gaps.iter().for_each(|gap| items.gap(gap));
            batch.messages.iter().for_each(|message| items.message(message));
        }
        json.extend_from_slice(b"],\"cursor\":\"");
        batch.cursor.write(&mut json);
        json.extend_from_slice(b"\"}");
        let (body, content_type) = match &self.callback {
            None => (json, "application/json"),
            // The comment keeps the first bytes out of the page's hands (the Rosetta Flash attack).
            Some(callback) => {
                let mut script = Vec::with_capacity(json.len() + callback.as_str().len() + 16);
                script.extend_from_slice(b"/**/");
                script.extend_from_slice(callback.as_str().as_bytes());
                script.push(b'(');
                write_for_script(&json, &mut script);
                script.extend_from_slice(b");");
                (script, "application/javascript; charset=utf-8")
            }
        };
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.keep(batch.cursor, response.headers_mut());
        response
    }

    /// The answer that is one message's data and nothing else, with its own media type; without a message, 204.
    ///
    /// The place is in the header `encke-cursor`, and each gap in a header `encke-gap`. A browser runs nothing
    /// of it, whatever it claims to be.
    #[must_use]
    pub fn answer_one(&self, message: Option<&Message>, gaps: &[Gap], cursor: Cursor) -> Response<Body> {
        let body = message.map_or_else(Body::empty, |message| message.data().clone().into());
        let mut response = Response::new(body);
        if message.is_none() {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        let headers = response.headers_mut();
        if let Some(message) = message {
            let content_type = HeaderValue::try_from(message.content_type());
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            headers.insert(header::CONTENT_TYPE, content_type);
            let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
            headers.insert(header::CONTENT_SECURITY_POLICY, sandbox);
        }
        for gap in gaps {
            let text = format!("{}; from={}; to={}", gap.reason, gap.from, gap.to);
            headers.extend(HeaderValue::try_from(text).ok().map(|value| (ENCKE_GAP, value)));
        }
        self.keep(cursor, headers);
        response
    }

    /// Tells the place in a header, and in the cookie if the route keeps one.
    pub fn keep(&self, cursor: Cursor, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::try_from(cursor.to_string()) {
            headers.insert(ENCKE_CURSOR, value);
        }
        if let Some(cookie) = &self.cookie {
            cookie.write(cursor, headers);
        }
    }
}

/// The place that an answer leads to.
const ENCKE_CURSOR: http::HeaderName = http::HeaderName::from_static("encke-cursor");
/// A gap before the one message of an answer.
const ENCKE_GAP: http::HeaderName = http::HeaderName::from_static("encke-gap");

struct Items<'a> {
    out: &'a mut Vec<u8>,
    config: &'a PullConfig,
    first: bool,
}

impl Items<'_> {
    fn gap(&mut self, gap: &Gap) {
        let mut json = Vec::new();
        write_gap(gap, &mut json);
        self.item(&json, gap.to);
    }

    fn message(&mut self, message: &Delivery) {
        let json = match self.config.payload {
            Payload::Data => message.encoded::<Data>(),
            Payload::Envelope => message.encoded::<Envelope>(),
        };
        self.item(&json, message.cursor());
    }

    fn item(&mut self, json: &[u8], cursor: Cursor) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        let object = json.trim_ascii().strip_suffix(b"}").filter(|object| object.starts_with(b"{"));
        let (Some(name), Some(object)) = (&self.config.cursor_field, object) else {
            self.out.extend_from_slice(json);
            return;
        };
        // At the end: of two fields with one name parsers take the last, so the data cannot hide it.
        self.out.extend_from_slice(object);
        if object.trim_ascii_end() != b"{" {
            self.out.push(b',');
        }
        encke_wire::write_string(name, self.out);
        self.out.extend_from_slice(b":\"");
        cursor.write(self.out);
        self.out.extend_from_slice(b"\"}");
    }
}
