//! `[[namespace]]`: which actions are open to whom, by the names of the channels.

use encke_core::Pattern;

use super::{scalar::Choice, section::Section};

/// What holds for the channels of a pattern. The first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The channels.
    pub pattern: Pattern,
    /// Who may follow them.
    pub subscribe: OpenTo,
    /// Who may publish to them.
    pub publish: OpenTo,
    /// Who may see who is there.
    pub presence: OpenTo,
}

/// To whom an action is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenTo {
    /// Everybody, with or without credentials.
    Anyone,
    /// Whoever has credentials.
    Known,
    /// Whoever's credentials say so.
    Granted,
    /// Nobody but whoever runs the gateway.
    Nobody,
}

impl Choice for OpenTo {
    const ALL: &'static [(&'static str, Self)] = &[
        ("anyone", Self::Anyone),
        ("known", Self::Known),
        ("granted", Self::Granted),
        ("nobody", Self::Nobody),
    ];
}

impl Namespace {
    pub(super) fn read(s: &mut Section<'_>) -> Option<Self> {
        let pattern = s.required("pattern");
        Some(Self {
            subscribe: s.get("subscribe", OpenTo::Granted),
            publish: s.get("publish", OpenTo::Granted),
            presence: s.get("presence", OpenTo::Granted),
            pattern: pattern?,
        })
    }
}
