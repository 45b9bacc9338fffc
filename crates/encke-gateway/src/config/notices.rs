//! `[notices]` and `[[webhook]]`: what the application is told.

use std::time::Duration;

use encke_core::Selector;
use encke_fetch::Url;
use encke_hub::NoticeKind;

use super::{
    limits::TIMES,
    scalar::Choice,
    secret::{Secret, read_file},
    section::Section,
};

/// What is told on the channel `$notices`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    /// These kinds; nothing is watched for the others.
    pub kinds: Vec<NoticeKind>,
}

/// An address of the application that messages are pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// What signs them.
    pub secret: Secret,
    /// What is pushed.
    pub channels: Vec<Selector>,
    /// How long the application may take to take a batch.
    pub timeout: Duration,
    /// An authority in PEM that may sign its certificate, beside those of the system.
    pub ca: Option<String>,
}

impl Choice for NoticeKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("connected", Self::Connected),
        ("disconnected", Self::Disconnected),
        ("joined", Self::Joined),
        ("left", Self::Left),
        ("occupied", Self::Occupied),
        ("vacated", Self::Vacated),
        ("published", Self::Published),
        ("slow", Self::Slow),
        ("refused", Self::Refused),
    ];
}

impl Notices {
    pub(super) fn read(s: &mut Section<'_>) -> Self {
        Self { kinds: s.list("kinds", Vec::new()) }
    }
}

impl Webhook {
    pub(super) fn read(s: &mut Section<'_>) -> Option<Self> {
        let url = s.required("url");
        let secret = Secret::read(s, "secret", "secret_file", 20);
        let notices = Selector::new("$notices").ok()?;
        Some(Self {
            channels: s.list("channels", vec![notices]),
            timeout: s.get_in("timeout", Duration::from_secs(10), TIMES),
            ca: read_file(s, "ca_file"),
            url: url?,
            secret: secret?,
        })
    }
}
