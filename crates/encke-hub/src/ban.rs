use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Banned {
    /// The number of the ban.
    pub id: BanId,
    /// How many live subscriptions it concerned.
    pub concerned: usize,
    /// Nodes that did not say that it holds there. They learn of it when they are heard of again.
    pub silent: Vec<Arc<str>>,
}

/// A ban as nodes tell each other of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BanRecord {
    pub(crate) id: BanId,
    pub(crate) since: Timestamp,
    /// Whether it is over before its time.
    pub(crate) lifted: bool,
    pub(crate) ban: Ban,
}

/// What became of a ban of another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merged {
    /// It holds from now on, or longer than before.
    New,
    /// It was known, or is over.
    Known,
    /// There are as many as there may be.
    Full,
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
    /// Whether other nodes have bans, too: then numbers are drawn, and what is lifted is remembered.
    shared: bool,
    next: AtomicU64,
    count: AtomicUsize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_whom: HashMap<Whom, Vec<Entry>>,
    /// Until their time is over, so that no other node brings them back.
    lifted: HashMap<BanId, BanRecord>,
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

    fn ban(&self, whom: &Whom) -> Ban {
        Ban { whom: whom.clone(), on: self.on.clone(), until: self.until, spares_new: self.spares_new }
    }

    fn record(&self, whom: &Whom) -> BanRecord {
        BanRecord { id: self.id, since: self.since, lifted: false, ban: self.ban(whom) }
    }
}

impl Bans {
    pub(crate) fn new(shared: bool) -> Self {
        Self { shared, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, ban: &Ban, now: Timestamp, limit: usize) -> Result<BanRecord, TooManyBans> {
        let mut known = self.lock();
        if self.len() >= limit {
            self.forget(&mut known, now);
        }
        let same = |entry: &&mut Entry| entry.on == ban.on && entry.spares_new == ban.spares_new;
        // The same ban again only lasts longer.
        if let Some(entry) =
            known.by_whom.get_mut(&ban.whom).and_then(|entries| entries.iter_mut().find(same))
        {
            (entry.since, entry.until) = (now, entry.until.max(ban.until));
            return Ok(entry.record(&ban.whom));
        }
        if self.len() >= limit {
            return Err(TooManyBans { limit });
        }
        let record = BanRecord { id: self.number(), since: now, lifted: false, ban: ban.clone() };
        self.add(&mut known, record.clone());
        Ok(record)
    }

    /// A number that no other ban has. Numbers of several nodes are drawn among those that JSON has exactly.
    fn number(&self) -> BanId {
        const EXACT: u64 = 1 << 53;
        BanId(if self.shared { fastrand::u64(..EXACT) } else { self.next.fetch_add(1, Ordering::Relaxed) })
    }

    fn add(&self, known: &mut Known, BanRecord { id, since, ban, .. }: BanRecord) {
        let Ban { whom, on, until, spares_new } = ban;
        known.by_whom.entry(whom).or_default().push(Entry { id, on, since, until, spares_new });
        self.count.fetch_add(1, Ordering::Release);
    }

    /// Takes over what another node knows of a ban.
    pub(crate) fn merge(&self, record: BanRecord, now: Timestamp, limit: usize) -> Merged {
        let mut known = self.lock();
        let BanRecord { id, since, lifted, ban } = &record;
        if ban.until <= now || known.lifted.contains_key(id) {
            return Merged::Known;
        }
        if *lifted {
            self.remove(&mut known, *id);
            Self::remember(&mut known, record, limit);
            return Merged::Known;
        }
        let entries = known.by_whom.get_mut(&ban.whom);
        if let Some(entry) = entries.and_then(|entries| entries.iter_mut().find(|entry| entry.id == *id)) {
            let longer = (entry.since.max(*since), entry.until.max(ban.until));
            let grown = longer != (entry.since, entry.until);
            (entry.since, entry.until) = longer;
            return if grown { Merged::New } else { Merged::Known };
        }
        if self.len() >= limit {
            self.forget(&mut known, now);
        }
        if self.len() >= limit {
            return Merged::Full;
        }
        self.add(&mut known, record);
        Merged::New
    }

    /// All that is known of bans, for other nodes.
    pub(crate) fn records(&self) -> Vec<BanRecord> {
        let known = self.lock();
        let held =
            known.by_whom.iter().flat_map(|(whom, entries)| entries.iter().map(|entry| entry.record(whom)));
        held.chain(known.lifted.values().cloned()).collect()
    }

    /// All that is known of bans, in one number.
    pub(crate) fn digest(&self, now: Timestamp) -> u64 {
        let all = self.records().into_iter().filter(|record| record.ban.until > now);
        all.fold(0, |digest, BanRecord { id, lifted, ban, .. }| {
            let until = if lifted { 0 } else { ban.until.as_millis() };
            let mut hash = DefaultHasher::new();
            (id, until).hash(&mut hash);
            digest ^ hash.finish()
        })
    }

    /// Lifts a ban, if there is one of this number.
    pub(crate) fn lift(&self, id: BanId, limit: usize) -> Option<BanRecord> {
        let mut known = self.lock();
        let record = BanRecord { lifted: true, ..self.remove(&mut known, id)? };
        if self.shared {
            Self::remember(&mut known, record.clone(), limit);
        }
        Some(record)
    }

    fn remove(&self, known: &mut Known, id: BanId) -> Option<BanRecord> {
        let (whom, entry) = known.by_whom.iter_mut().find_map(|(whom, entries)| {
            let at = entries.iter().position(|entry| entry.id == id)?;
            Some((whom.clone(), entries.swap_remove(at)))
        })?;
        known.by_whom.retain(|_, entries| !entries.is_empty());
        self.count.fetch_sub(1, Ordering::Release);
        Some(entry.record(&whom))
    }

    fn remember(known: &mut Known, record: BanRecord, limit: usize) {
        if known.lifted.len() >= limit {
            let first = known.lifted.values().min_by_key(|record| record.ban.until).map(|record| record.id);
            first.map(|id| known.lifted.remove(&id));
        }
        known.lifted.insert(record.id, record);
    }

    /// The first `limit` in force at `now` whose numbers follow `after`.
    pub(crate) fn some(&self, now: Timestamp, after: Option<BanId>, limit: usize) -> Vec<BanInfo> {
        let known = self.lock();
        let all =
            known.by_whom.iter().flat_map(|(whom, entries)| entries.iter().map(move |entry| (whom, entry)));
        let wanted = |entry: &Entry| entry.until > now && after.is_none_or(|after| entry.id > after);
        let mut found: Vec<_> = all.filter(|(_, entry)| wanted(entry)).collect();
        found.sort_unstable_by_key(|(_, entry)| entry.id);
        found.truncate(limit);
        let show = |(whom, entry): (&Whom, &Entry)| BanInfo {
            id: entry.id,
            since: entry.since,
            ban: entry.ban(whom),
        };
        found.into_iter().map(show).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn expire(&self, now: Timestamp) {
        if self.shared || self.len() > 0 {
            self.forget(&mut self.lock(), now);
        }
    }

    fn forget(&self, known: &mut Known, now: Timestamp) {
        known.by_whom.retain(|_, entries| {
            entries.retain(|entry| entry.until > now);
            !entries.is_empty()
        });
        known.lifted.retain(|_, record| record.ban.until > now);
        self.count.store(known.by_whom.values().map(Vec::len).sum(), Ordering::Release);
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
        let known = self.lock();
        let names = [
            grant.subject().map(|subject| Whom::Subject(subject.into())),
            grant.asker().client.as_deref().map(|client| Whom::Client(client.into())),
            grant.token_id().map(|token| Whom::Token(token.into())),
        ];
        let own = names.iter().flatten().filter_map(|whom| known.by_whom.get(whom));
        // Somebody must be left who can lift it.
        let all = known.by_whom.get(&Whom::Everybody).filter(|_| !administers(grant));
        let mut entries = own.chain(all).flatten();
        if !grant.is_trusted() && entries.any(concerns) { Err(denied) } else { Ok(()) }
    }
}

/// Whether it is for whoever runs the node, as long as it holds.
fn administers(grant: &Grant) -> bool {
    let all = Pattern::new("**").map(Selector::Pattern);
    all.is_ok_and(|all| grant.check(Action::Administer, &all, Timestamp::default()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn s1_what_other_nodes_know_of_a_ban_comes_together() {
        let [here, there] = [Bans::new(true), Bans::new(true)];
        let ban = Ban { whom: Whom::Everybody, on: None, until: at(100), spares_new: false };
        let record = here.insert(&ban, at(0), 2).unwrap();
        assert_ne!(here.digest(at(0)), there.digest(at(0)));
        assert_eq!(there.merge(record.clone(), at(1), 2), Merged::New);
        assert_eq!(there.merge(record.clone(), at(1), 2), Merged::Known);
        assert_eq!(here.digest(at(1)), there.digest(at(1)));
        let longer = there.insert(&Ban { until: at(200), ..ban.clone() }, at(2), 2).unwrap();
        assert_eq!((longer.id, here.merge(longer.clone(), at(2), 2)), (record.id, Merged::New));
        assert_eq!(here.merge(record.clone(), at(2), 2), Merged::Known);
        assert_eq!(here.some(at(2), None, 9), there.some(at(2), None, 9));

        let lifted = here.lift(record.id, 2).unwrap();
        assert_eq!(here.merge(longer.clone(), at(3), 2), Merged::Known, "it does not come back");
        assert_ne!(here.digest(at(3)), there.digest(at(3)));
        assert_eq!(there.merge(lifted, at(3), 2), Merged::Known);
        assert_eq!((here.len(), there.len(), here.digest(at(3))), (0, 0, there.digest(at(3))));
        assert_eq!(there.merge(longer, at(300), 2), Merged::Known, "it is over");

        let other = |name: &str| Ban { whom: Whom::Subject(name.into()), ..ban.clone() };
        let records = ["a", "b", "c"].map(|name| here.insert(&other(name), at(4), 9).unwrap());
        let merged = records.map(|record| there.merge(record, at(4), 2));
        assert_eq!(merged, [Merged::New, Merged::New, Merged::Full]);
        there.expire(at(1_000));
        assert_eq!((there.len(), there.records().len()), (0, 0));
    }
}
