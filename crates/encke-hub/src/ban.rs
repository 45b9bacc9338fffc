use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use encke_core::{Selector, Timestamp};

use crate::{Denied, Grant, SubscriptionId};

/// Whom something concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Whom {
    /// Everybody.
    Everybody,
    /// A verified subject.
    Subject(Box<str>),
    /// A client, by the name that it calls itself.
    Client(Box<str>),
    /// Who came by this token.
    Token(Box<str>),
    /// One live subscription.
    Subscription(SubscriptionId),
}

/// Rights that are taken back, whatever tokens and authorizers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Whose.
    pub whom: Whom,
    /// On what; all of them without it.
    pub on: Option<Selector>,
    /// Until when. What was granted until then ends now, and nothing is granted meanwhile.
    pub until: Timestamp,
    /// Whether what was issued after the ban is valid again: revoked, not shut out.
    pub spares_new: bool,
}

/// There are as many bans as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyBans {
    /// How many.
    pub limit: usize,
}

impl fmt::Display for TooManyBans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are {} bans already", self.limit)
    }
}

impl std::error::Error for TooManyBans {}

/// The bans in force.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    count: AtomicUsize,
    by_whom: Mutex<HashMap<Whom, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    on: Option<Selector>,
    since: Timestamp,
    until: Timestamp,
    spares_new: bool,
}

impl Entry {
    fn concerns(&self, grant: &Grant, now: Timestamp) -> bool {
        let spared = self.spares_new && grant.issued().is_some_and(|issued| issued > self.since);
        self.until > now && !spared
    }
}

impl Bans {
    fn lock(&self) -> MutexGuard<'_, HashMap<Whom, Vec<Entry>>> {
        self.by_whom.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, ban: &Ban, now: Timestamp, limit: usize) -> Result<(), TooManyBans> {
        let mut bans = self.lock();
        if self.count.load(Ordering::Relaxed) >= limit {
            self.forget(&mut bans, now);
        }
        let Ban { on, until, spares_new, .. } = ban.clone();
        let entries = bans.entry(ban.whom.clone()).or_default();
        // The same ban again only lasts longer.
        if let Some(known) = entries.iter_mut().find(|known| known.on == on && known.spares_new == spares_new)
        {
            (known.since, known.until) = (now, known.until.max(until));
            return Ok(());
        }
        if self.count.load(Ordering::Relaxed) >= limit {
            return Err(TooManyBans { limit });
        }
        entries.push(Entry { on, since: now, until, spares_new });
        self.count.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Lifts what is banned so; false if nothing is.
    pub(crate) fn lift(&self, whom: &Whom, on: Option<&Selector>) -> bool {
        let mut bans = self.lock();
        let Some(entries) = bans.get_mut(whom) else { return false };
        let before = entries.len();
        entries.retain(|entry| entry.on.as_ref() != on);
        let lifted = before - entries.len();
        if entries.is_empty() {
            bans.remove(whom);
        }
        self.count.fetch_sub(lifted, Ordering::Release);
        lifted > 0
    }

    pub(crate) fn expire(&self, now: Timestamp) {
        if self.count.load(Ordering::Acquire) > 0 {
            self.forget(&mut self.lock(), now);
        }
    }

    fn forget(&self, bans: &mut HashMap<Whom, Vec<Entry>>, now: Timestamp) {
        bans.retain(|_, entries| {
            entries.retain(|entry| entry.until > now);
            !entries.is_empty()
        });
        self.count.store(bans.values().map(Vec::len).sum(), Ordering::Release);
    }

    /// Whether anything of the grant is left.
    pub(crate) fn check(&self, grant: &Grant, now: Timestamp) -> Result<(), Denied> {
        self.find(grant, |entry| entry.on.is_none() && entry.concerns(grant, now), Denied::Revoked)
    }

    /// Whether the grant still holds for `wanted`, and for all of it.
    pub(crate) fn check_on(&self, grant: &Grant, wanted: &Selector, now: Timestamp) -> Result<(), Denied> {
        self.check(grant, now)?;
        let on = |entry: &Entry| entry.on.as_ref().is_some_and(|on| on.overlaps(wanted));
        self.find(grant, |entry| on(entry) && entry.concerns(grant, now), Denied::Forbidden)
    }

    fn find(&self, grant: &Grant, concerns: impl Fn(&Entry) -> bool, denied: Denied) -> Result<(), Denied> {
        // Nearly always there is none.
        if self.count.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        let bans = self.lock();
        let names = [
            grant.subject().map(|subject| Whom::Subject(subject.into())),
            grant.asker().client.as_deref().map(|client| Whom::Client(client.into())),
            grant.token_id().map(|token| Whom::Token(token.into())),
            Some(Whom::Everybody),
        ];
        let mut entries = names.iter().flatten().filter_map(|whom| bans.get(whom)).flatten();
        if !grant.is_trusted() && entries.any(concerns) { Err(denied) } else { Ok(()) }
    }
}
