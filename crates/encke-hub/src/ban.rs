use std::{
    collections::HashMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use encke_core::{Pattern, Selector, Timestamp};

use crate::{Action, Denied, Grant, SubscriptionId};

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

/// The number of a ban, unique in the life of its hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BanId(pub u64);

/// A ban in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanInfo {
    /// Its number.
    pub id: BanId,
    /// Since when.
    pub since: Timestamp,
    /// What it is.
    pub ban: Ban,
}

/// What a ban has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Banned {
    /// The number of the ban.
    pub id: BanId,
    /// How many live subscriptions it concerned.
    pub concerned: usize,
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
    next: AtomicU64,
    count: AtomicUsize,
    by_whom: Mutex<HashMap<Whom, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    id: BanId,
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

    fn describe(&self, whom: &Whom) -> BanInfo {
        let Self { id, on, since, until, spares_new } = self;
        let ban = Ban { whom: whom.clone(), on: on.clone(), until: *until, spares_new: *spares_new };
        BanInfo { id: *id, since: *since, ban }
    }
}

impl Bans {
    fn lock(&self) -> MutexGuard<'_, HashMap<Whom, Vec<Entry>>> {
        self.by_whom.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, ban: &Ban, now: Timestamp, limit: usize) -> Result<BanId, TooManyBans> {
        let mut bans = self.lock();
        if self.count.load(Ordering::Relaxed) >= limit {
            self.forget(&mut bans, now);
        }
        let Ban { on, until, spares_new, .. } = ban.clone();
        let same = |known: &&mut Entry| known.on == on && known.spares_new == spares_new;
        // The same ban again only lasts longer.
        if let Some(known) = bans.get_mut(&ban.whom).and_then(|known| known.iter_mut().find(same)) {
            (known.since, known.until) = (now, known.until.max(until));
            return Ok(known.id);
        }
        if self.count.load(Ordering::Relaxed) >= limit {
            return Err(TooManyBans { limit });
        }
        let id = BanId(self.next.fetch_add(1, Ordering::Relaxed));
        bans.entry(ban.whom.clone()).or_default().push(Entry { id, on, since: now, until, spares_new });
        self.count.fetch_add(1, Ordering::Release);
        Ok(id)
    }

    /// Lifts a ban; false if there is none of this number.
    pub(crate) fn lift(&self, id: BanId) -> bool {
        let mut bans = self.lock();
        let lifted = bans.values_mut().any(|entries| {
            let at = entries.iter().position(|entry| entry.id == id);
            at.map(|at| entries.swap_remove(at)).is_some()
        });
        if lifted {
            bans.retain(|_, entries| !entries.is_empty());
            self.count.fetch_sub(1, Ordering::Release);
        }
        lifted
    }

    /// The first `limit` in force at `now` whose numbers follow `after`.
    pub(crate) fn some(&self, now: Timestamp, after: Option<BanId>, limit: usize) -> Vec<BanInfo> {
        let bans = self.lock();
        let all = bans.iter().flat_map(|(whom, entries)| entries.iter().map(move |entry| (whom, entry)));
        let wanted = |entry: &Entry| entry.until > now && after.is_none_or(|after| entry.id > after);
        let mut found: Vec<_> = all.filter(|(_, entry)| wanted(entry)).collect();
        found.sort_unstable_by_key(|(_, entry)| entry.id);
        found.truncate(limit);
        found.into_iter().map(|(whom, entry)| entry.describe(whom)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
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
        ];
        let own = names.iter().flatten().filter_map(|whom| bans.get(whom));
        // Somebody must be left who can lift it.
        let all = bans.get(&Whom::Everybody).filter(|_| !administers(grant));
        let mut entries = own.chain(all).flatten();
        if !grant.is_trusted() && entries.any(concerns) { Err(denied) } else { Ok(()) }
    }
}

/// Whether it is for whoever runs the node, as long as it holds.
fn administers(grant: &Grant) -> bool {
    let all = Pattern::new("**").map(Selector::Pattern);
    all.is_ok_and(|all| grant.check(Action::Administer, &all, Timestamp::default()).is_ok())
}
