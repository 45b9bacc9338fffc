//! The one who writes.

use std::{
    mem,
    path::Path,
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use encke_core::{Appended, Cursor, Epoch, LogConfig};
use encke_hub::EngineError;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    DiskConfig, DiskError,
    book::Book,
    folder::{Sight, Witness},
    group::{Group, Order, Outcome, Settled, tell},
    row::{Opened, State},
    shared::{Shared, Trouble, disk_error},
    store::{Batch, Failure, Found, Medium, Store, StoreError, contained},
};

/// How long dead rows wait for a commit that takes them along.
const IDLE: Duration = Duration::from_secs(1);

/// An order, and its share of the queue.
pub(crate) struct Waiting {
    pub(crate) order: Order,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    witness: Option<Witness>,
    book: Book,
    /// A commit that there was no space for, and whether it is to be safe. Those who asked for it were told that nobody
    /// knows: it is completed when there is space, or it never was.
    in_doubt: Option<(Group, bool)>,
    /// Since when something is answered and not safe.
    unsafe_since: Option<Instant>,
    is_stopped: bool,
}

/// A random epoch.
fn new_epoch() -> Result<Epoch, StoreError> {
    let bits = getrandom::u64();
    bits.map(Epoch::from_bits).map_err(|error| StoreError::Failed(Failure::Other(error.to_string())))
}

/// What was found, as it goes on: in the same epoch, unless something that was answered may be lost (L2).
fn go_on(found: &mut Found, sight: Option<Sight>, config: &DiskConfig) -> Result<(), StoreError> {
    let State { epoch, commits, last, opened, .. } = found.state;
    let lost = sight.is_some_and(|sight| sight.epoch != epoch || sight.commits > commits);
    let is_sure = sight.is_some_and(|sight| sight.is_sure);
    if lost {
        tracing::error!("the log lacks what was answered for before: it begins a new epoch");
    } else if opened == Opened::Relaxed && !is_sure {
        tracing::warn!("the log did not end cleanly and may have lost messages: it begins a new epoch");
    }
    if lost || (opened == Opened::Relaxed && !is_sure) {
        found.state.epoch = new_epoch()?;
    }
    found.state.last.seq = last.seq.max(sight.map_or(0, |sight| sight.seq));
    found.state.commits = commits.max(sight.map_or(0, |sight| sight.commits)) + 1;
    found.state.opened = if config.relaxed { Opened::Relaxed } else { Opened::Strict };
    Ok(())
}

impl Writer {
    /// Opens what is on `medium`.
    pub(crate) fn open(
        medium: &Medium,
        file: &Path,
        witness: Option<(Witness, Option<Sight>)>,
        config: DiskConfig,
        limits: LogConfig,
    ) -> Result<Self, DiskError> {
        let (witness, sight) = witness.unzip();
        let opened = || {
            let store = Store::open(medium, config.cache_bytes, config.check)?;
            store.whole()?;
            let sight = sight.flatten();
            if sight.is_some() && store.is_empty()? {
                return Err(StoreError::damaged("it is empty, and there were messages in it"));
            }
            let mut found = store.load(State::new(new_epoch()?))?;
            go_on(&mut found, sight, &config)?;
            store.commit(Batch::default(), &found.state, true)?;
            Ok((store, found))
        };
        let (store, found) = opened().map_err(|error| disk_error(file, &error))?;
        let (book, index) = Book::load(found, limits);
        let shared = Arc::new(Shared::new(config, file.to_owned(), index, book.log.clone(), store));
        let mut writer =
            Self { shared, witness, book, in_doubt: None, unsafe_since: None, is_stopped: false };
        writer.committed(true).map_err(|error| disk_error(file, &error))?;
        Ok(writer)
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Stores what is asked for until it is told to stop, or nobody can ask any more.
    pub(crate) fn run(mut self, queue: &Receiver<Waiting>) {
        while !self.is_stopped {
            let first = match queue.recv_timeout(self.patience()) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if self.shared.trouble() == Some(Trouble::NoSpace) {
                self.try_again();
            }
            match self.shared.trouble() {
                Some(trouble) => first.into_iter().for_each(|first| {
                    self.is_stopped |= matches!(first.order, Order::Stop);
                    first.order.refuse(trouble.refusal());
                }),
                None => self.work(first, queue),
            }
        }
        self.close();
    }

    fn patience(&self) -> Duration {
        let config = &self.shared.config;
        if self.shared.trouble().is_some() {
            return config.space_every;
        }
        self.unsafe_since.map_or(IDLE, |since| config.sync_every.saturating_sub(since.elapsed()))
    }

    /// Stores `first` and what waits behind it by one commit.
    fn work(&mut self, first: Option<Waiting>, queue: &Receiver<Waiting>) {
        let is_due = self.unsafe_since.is_some_and(|since| since.elapsed() >= self.shared.config.sync_every);
        if first.is_none() && !is_due && !self.book.has_dead() {
            return;
        }
        let mut group = Group::default();
        let planned = self.plan(&mut group, first, queue);
        let durable = !self.shared.config.relaxed || is_due;
        let committed = planned.and_then(|()| match group.is_empty() && !is_due {
            true => Ok(()),
            false => self.commit(mem::take(&mut group.batch), durable),
        });
        match committed.and_then(|()| self.committed(durable)) {
            Ok(()) => self.answer(group),
            Err(error) => {
                let is_in_doubt = error == StoreError::Failed(Failure::NoSpace);
                self.shared.fail(&error);
                group.outcomes.iter_mut().for_each(|outcome| outcome.refuse(EngineError::Unavailable));
                self.in_doubt = is_in_doubt.then_some((group, durable));
            }
        }
    }

    fn commit(&mut self, batch: Batch, durable: bool) -> Result<(), StoreError> {
        self.book.state.commits += 1;
        let store = self.shared.store();
        store.as_ref().ok_or_else(not_open)?.commit(batch, &self.book.state, durable)
    }

    /// Notes a commit that is about to be answered for.
    fn committed(&mut self, durable: bool) -> Result<(), StoreError> {
        self.unsafe_since = if durable { None } else { self.unsafe_since.or_else(|| Some(Instant::now())) };
        let State { epoch, commits, last, .. } = self.book.state;
        let noted = self.witness.as_mut().map_or(Ok(()), |witness| witness.note(epoch, commits, last.seq));
        noted.map_err(|error| StoreError::Failed(Failure::Other(error.to_string())))
    }

    /// Fills `group` with what waits, within its limits.
    fn plan(
        &mut self,
        group: &mut Group,
        first: Option<Waiting>,
        queue: &Receiver<Waiting>,
    ) -> Result<(), StoreError> {
        let Self { shared, book, is_stopped, .. } = self;
        let store = shared.store();
        let store = store.as_ref().ok_or_else(not_open)?;
        contained(|| {
            *group = book.begin();
            let (mut count, mut bytes, mut next) = (0, 0, first);
            while let Some(Waiting { order, permit }) = next {
                drop(permit);
                match order {
                    Order::Publish { publish, now, reply } => {
                        count += 1;
                        bytes += publish.message().data().len() * publish.channels().len();
                        book.publish(group, store, publish, now, reply)?;
                    }
                    Order::Trim { channel, keep, reply } => book.trim(group, store, &channel, keep, reply)?,
                    Order::Expire { now, reply } => book.expire(group, store, now, reply)?,
                    Order::Stop => *is_stopped = true,
                }
                let is_full = count >= shared.config.group_messages || bytes >= shared.config.group_bytes;
                next = if is_full || *is_stopped { None } else { queue.try_recv().ok() };
            }
            book.end(group);
            Ok(())
        })
    }

    /// Tells the log and the readers of what is stored, and then those who asked for it.
    fn answer(&mut self, group: Group) {
        let Group { outcomes, touched, new, forgotten, .. } = group;
        let Self { book, shared, .. } = self;
        // A reader of the log that is sent here must find what the log has told it of.
        book.committed(&touched);
        new.into_iter().for_each(|seen| shared.index.insert(seen));
        let cursor = |seq| Cursor { epoch: book.state.epoch, seq };
        let mut answers: Vec<Box<dyn FnOnce()>> = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome {
                Outcome::Stored { record, kept, key, reply } => {
                    let seq = record.seq;
                    let fed = book.log.feed(record, &kept);
                    if let Some((key, fingerprint)) = key {
                        book.log.remember(key, fingerprint, seq);
                    }
                    let answer = Appended { cursor: cursor(seq), followers: fed.followers, repeated: false };
                    answers.push(Box::new(move || tell(reply, Ok((answer, fed.wakes)))));
                }
                Outcome::Repeated { seq, reply } => {
                    let answer = Appended { cursor: cursor(seq), followers: 0, repeated: true };
                    answers.push(Box::new(move || tell(reply, Ok((answer, Default::default())))));
                }
                Outcome::Settled { channels, reply } => {
                    for (name, kept) in channels {
                        book.log.settle(&name, kept);
                    }
                    answers.push(match reply {
                        Settled::Trim(reply, gone) => Box::new(move || tell(reply, Ok(Some(gone)))),
                        Settled::Expire(reply, more) => Box::new(move || tell(reply, Ok(more))),
                    });
                }
            }
        }
        book.told(&touched);
        forgotten.iter().for_each(|name| shared.index.remove(name));
        answers.into_iter().for_each(|answer| answer());
    }

    /// Completes the commit that there was no space for, if there is now.
    fn try_again(&mut self) {
        let written = {
            let store = self.shared.store();
            store.as_ref().ok_or_else(not_open).and_then(Store::try_again)
        };
        let (group, durable) = match written {
            Ok(()) => self.in_doubt.take().unwrap_or_default(),
            Err(StoreError::Failed(Failure::NoSpace)) => return,
            Err(error) => return self.shared.fail(&error),
        };
        if let Err(error) = self.committed(durable) {
            return self.shared.fail(&error);
        }
        self.answer(group);
        self.shared.recover();
    }

    /// Leaves the file as one that ended cleanly, unless it did not.
    fn close(mut self) {
        if self.shared.trouble() == Some(Trouble::NoSpace) {
            self.try_again();
        }
        let mut slot = self.shared.store.write().unwrap_or_else(PoisonError::into_inner);
        let Some(store) = slot.take() else { return };
        if self.shared.trouble().is_some() {
            return;
        }
        self.book.state.opened = Opened::No;
        self.book.state.commits += 1;
        if let Err(error) = store.commit(Batch::default(), &self.book.state, true) {
            tracing::warn!(error = %disk_error(&self.shared.file, &error), "the log did not end cleanly");
        }
    }
}

fn not_open() -> StoreError {
    StoreError::Failed(Failure::Other("it is not open".into()))
}
