use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{NameError, channel_name::check_text};

/// What the bytes of a message are, which decides how an envelope shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One JSON value: embedded as it is.
    Json,
    /// UTF-8 text: shown as a string.
    Text,
    /// Anything else: shown as base64.
    Binary,
}

/// What is published: bytes that the log never looks into, their kind, and perhaps a name.
///
/// Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    data: Bytes,
    kind: Kind,
    content_type: Option<Arc<str>>,
    name: Option<Arc<str>>,
}

impl Message {
    /// A message whose data is one JSON value.
    ///
    /// The log has no JSON parser: whoever calls this has made or checked the value (for bytes from outside,
    /// `encke-wire` has the function that does).
    #[must_use]
    pub fn json(data: impl Into<Bytes>) -> Self {
        Self::of(Kind::Json, data.into())
    }

    /// A message of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Kind::Text, text.into().into())
    }

    /// A message of any bytes.
    #[must_use]
    pub fn binary(data: impl Into<Bytes>) -> Self {
        Self::of(Kind::Binary, data.into())
    }

    /// A message of bytes that should be text.
    ///
    /// # Errors
    /// The bytes come back where they are not UTF-8.
    pub fn utf8(data: Bytes) -> Result<Self, Bytes> {
        if std::str::from_utf8(&data).is_ok() { Ok(Self::of(Kind::Text, data)) } else { Err(data) }
    }

    fn of(kind: Kind, data: Bytes) -> Self {
        Self { data, kind, content_type: None, name: None }
    }

    /// The media type that the message was published with, where its kind does not say it all.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &str) -> Self {
        self.content_type = (content_type != default_type(self.kind)).then(|| content_type.into());
        self
    }

    /// Names the message; server-sent events show the name as `event:`.
    ///
    /// # Errors
    /// [`NameError`]: a name keeps the rules of channel names, wildcards aside.
    pub fn with_name(mut self, name: &str) -> Result<Self, NameError> {
        check_text(name)?;
        self.name = Some(name.into());
        Ok(self)
    }

    /// The bytes as published.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// What the bytes are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The bytes as text, for JSON and text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.kind {
            Kind::Json | Kind::Text => std::str::from_utf8(&self.data).ok(),
            Kind::Binary => None,
        }
    }

    /// The media type of the bytes.
    #[must_use]
    pub fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or_else(|| default_type(self.kind))
    }

    /// Whether the media type says more than the kind.
    #[must_use]
    pub fn has_content_type(&self) -> bool {
        self.content_type.is_some()
    }

    /// The name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it occupies beside its fixed part, in bytes.
    pub(crate) fn len(&self) -> usize {
        let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        self.data.len() + text(&self.content_type) + text(&self.name)
    }
}

fn default_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "application/json",
        Kind::Text => "text/plain; charset=utf-8",
        Kind::Binary => "application/octet-stream",
    }
}

/// A text that names one publish, so that repeating it stores nothing twice: 1 to 255 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Box<str>);

impl Key {
    /// Checks `key` and keeps it.
    ///
    /// # Errors
    /// [`NameError`]: a key keeps the rules of channel names, wildcards aside.
    pub fn new(key: &str) -> Result<Self, NameError> {
        check_text(key)?;
        Ok(Self(key.into()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
