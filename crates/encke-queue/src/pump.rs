use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_core::{AppendError, Key, NameError, Publish};
use encke_hub::{Denied, EngineError, Grant, Hub, PublishError};

use crate::{Job, Malformed, Queue, QueueError, backoff::Backoff, in_order::in_order, stop::Stop};

/// How a pump waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PumpConfig {
    /// How long the queue may wait for jobs at a time. A pump that has nothing to do stops within this.
    pub wait: Duration,
    /// What failed for now is tried again after a while at random, at first up to this.
    pub retry: Duration,
    /// The bound doubles with each failure, up to this.
    pub retry_most: Duration,
}

impl Default for PumpConfig {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(1),
            retry: Duration::from_millis(100),
            retry_most: Duration::from_secs(5),
        }
    }
}

/// What a pump has done, in numbers that only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PumpCounts {
    /// Jobs that the queue gave, each time that it gave them.
    pub fetched: u64,
    /// Jobs whose message was stored.
    pub published: u64,
    /// Jobs whose message had been stored before.
    pub repeated: u64,
    /// Jobs that can never be published.
    pub buried: u64,
    /// Publishes that failed for now, and were tried again.
    pub retried: u64,
    /// Messages that were stored without a key, because no more can be remembered. Given again, they are stored again.
    pub unkeyed: u64,
    /// Calls of the queue that failed.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    fetched: AtomicU64,
    published: AtomicU64,
    repeated: AtomicU64,
    buried: AtomicU64,
    retried: AtomicU64,
    unkeyed: AtomicU64,
    failed: AtomicU64,
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

/// Publishes what a queue holds.
///
/// Each job is published with a key made of the pump's name, the job's id and what it says, unless its producer has made
/// one: so what the queue gives twice is stored once, for as long as the log remembers keys. Jobs of one channel are
/// published in their order; one that cannot be published now holds up those after it, and one that can never be is
/// buried. Jobs of different channels are published at the same time.
///
/// Each job takes one of the [keys](encke_core::LogConfig::keys) that the log remembers: there should be more than come in
/// twice its [window](encke_core::LogConfig::key_window). When there are no more, messages are stored without one.
#[derive(Debug)]
pub struct Pump {
    name: String,
    hub: Hub,
    grant: Grant,
    config: PumpConfig,
    counters: Counters,
    ill: Mutex<Option<String>>,
}

/// What became of a job.
enum Outcome {
    Done(String),
    Buried(String, String),
    /// It stays in the queue, because the pump stops.
    Left,
}

/// What the queue is told.
#[derive(Clone, Copy)]
enum News<'a> {
    Done(&'a [String]),
    Buried(&'a str, &'a str),
}

/// What an error says about trying again.
enum Verdict {
    Later(Duration),
    Never,
    /// As many keys are remembered as may be.
    NoKey,
}

impl Pump {
    /// The longest id of a job, in bytes: with a longer one it is buried.
    pub const ID_MAX: usize = 100;

    /// Into `hub`, with the rights of `grant`. By `name` it knows its jobs again: it must be the same on each node and after
    /// each start, and no other queue's.
    ///
    /// # Errors
    /// [`NameError`] if the name is longer than 120 bytes, or is not made as those of channels are.
    pub fn new(name: &str, hub: &Hub, grant: Grant, config: PumpConfig) -> Result<Self, NameError> {
        Key::new(name)?;
        key(name, &"0".repeat(Self::ID_MAX), [0; 16])?;
        Ok(Self {
            name: name.into(),
            hub: hub.clone(),
            grant,
            config,
            counters: Counters::default(),
            ill: Mutex::default(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> PumpCounts {
        let Counters { fetched, published, repeated, buried, retried, unkeyed, failed } = &self.counters;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PumpCounts {
            fetched: of(fetched),
            published: of(published),
            repeated: of(repeated),
            buried: of(buried),
            retried: of(retried),
            unkeyed: of(unkeyed),
            failed: of(failed),
        }
    }

    /// Why it does not go on just now, if it does not.
    #[must_use]
    pub fn ill(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Publishes until `stop` comes: for a task of the host's.
    ///
    /// Then it finishes what it has fetched. What cannot be published at that moment is left in the queue. Dropped earlier,
    /// it loses nothing either: what was not done is fetched again.
    pub async fn run(&self, mut queue: impl Queue, stop: impl Future<Output = ()> + Send) {
        let stop = Stop::new(stop);
        let mut backoff = self.backoff();
        while !stop.has_come() {
            match queue.fetch(self.config.wait).await {
                Ok(jobs) => {
                    self.note_well();
                    backoff.reset();
                    self.pump(&mut queue, jobs, &stop).await;
                }
                Err(error) => {
                    self.note_failed(&error);
                    stop.or_after(backoff.wait()).await;
                }
            }
        }
        queue.leave().await;
    }

    /// Publishes what was fetched, and tells the queue.
    async fn pump(&self, queue: &mut impl Queue, jobs: Vec<Job>, stop: &Stop<'_>) {
        add(&self.counters.fetched, jobs.len());
        let gives_up = AtomicBool::new(false);
        let work = |job| self.settle(job, stop, &gives_up);
        let mut done = Vec::new();
        for outcome in in_order(jobs, Job::channels, work).await {
            match outcome {
                Outcome::Done(id) => done.push(id),
                Outcome::Buried(id, reason) => {
                    tracing::warn!(queue = &*self.name, %id, reason, "a job cannot be published, and is buried");
                    if self.tell(queue, News::Buried(&id, &reason), stop).await {
                        add(&self.counters.buried, 1);
                    }
                }
                Outcome::Left => {}
            }
        }
        if !done.is_empty() {
            self.tell(queue, News::Done(&done), stop).await;
        }
    }

    /// Tells the queue until it has heard; when the pump stops, once. What it has not heard of it gives again.
    async fn tell(&self, queue: &mut impl Queue, news: News<'_>, stop: &Stop<'_>) -> bool {
        let mut backoff = self.backoff();
        loop {
            let told = match news {
                News::Done(ids) => queue.done(ids).await,
                News::Buried(id, reason) => queue.bury(id, reason).await,
            };
            let Err(error) = told else { return true };
            self.note_failed(&error);
            if stop.has_come() {
                return false;
            }
            stop.or_after(backoff.wait()).await;
        }
    }

    /// Publishes one job, however long that takes. `gives_up` is set when the pump stops before it could: then all that
    /// come after it are left too, so that they keep their order.
    async fn settle(&self, job: Job, stop: &Stop<'_>, gives_up: &AtomicBool) -> Outcome {
        let (plain, key) = match job.publish.and_then(|publish| self.key_of(publish, &job.id)) {
            Ok(publish) => publish,
            Err(malformed) => return Outcome::Buried(job.id, malformed.to_string()),
        };
        let mut keyed = key.map(|key| plain.clone().with_key(key));
        let mut backoff = self.backoff();
        while !gives_up.load(Ordering::Relaxed) {
            let publish = keyed.as_ref().unwrap_or(&plain);
            let error = match self.hub.publish(&self.grant, publish.clone()).await {
                Ok(appended) => {
                    let repeated = appended.repeated;
                    add(if repeated { &self.counters.repeated } else { &self.counters.published }, 1);
                    return Outcome::Done(job.id);
                }
                Err(error) => error,
            };
            let wait = match verdict(&error) {
                Verdict::Never => return Outcome::Buried(job.id, error.to_string()),
                Verdict::NoKey if keyed.take().is_some() => {
                    add(&self.counters.unkeyed, 1);
                    continue;
                }
                Verdict::NoKey => Duration::ZERO,
                Verdict::Later(wait) => wait,
            };
            self.note_ill(error.to_string());
            add(&self.counters.retried, 1);
            if stop.has_come() {
                gives_up.store(true, Ordering::Relaxed);
            }
            stop.or_after(wait.max(backoff.wait())).await;
        }
        Outcome::Left
    }

    /// The publish, and the key by which it is known again if its producer has made none.
    fn key_of(&self, publish: Publish, id: &str) -> Result<(Publish, Option<Key>), Malformed> {
        if publish.key().is_some() {
            return Ok((publish, None));
        }
        let key = key(&self.name, id, publish.fingerprint().bytes()).map_err(Malformed::Id)?;
        Ok((publish, Some(key)))
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.config.retry, self.config.retry_most)
    }

    fn note_failed(&self, error: &QueueError) {
        add(&self.counters.failed, 1);
        self.note_ill(error.to_string());
    }

    fn note_ill(&self, reason: String) {
        let mut ill = self.lock();
        if ill.as_ref() != Some(&reason) {
            tracing::warn!(queue = &*self.name, reason, "a queue does not go on");
            *ill = Some(reason);
        }
    }

    fn note_well(&self) {
        if self.lock().take().is_some() {
            tracing::info!(queue = &*self.name, "a queue goes on");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.ill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said is part of the key: so nobody can take the key of a job whose content he does not know, and have
/// it refused.
fn key(name: &str, id: &str, fingerprint: [u8; 16]) -> Result<Key, NameError> {
    Key::new(&format!("{name}/{id}/{:032x}", u128::from_be_bytes(fingerprint)))
}

fn verdict(error: &PublishError) -> Verdict {
    use AppendError::{KeyConflict, TooLarge, TooManyKeys, TooManyPlaces};
    match error {
        // Other denials speak of the grant, not of the job.
        PublishError::TooLarge { .. } | PublishError::Denied(Denied::Forbidden) => Verdict::Never,
        PublishError::Engine(EngineError::Refused(TooLarge | TooManyPlaces | KeyConflict)) => Verdict::Never,
        PublishError::Engine(EngineError::Refused(TooManyKeys)) => Verdict::NoKey,
        PublishError::TooMany { retry } => Verdict::Later(*retry),
        _ => Verdict::Later(Duration::ZERO),
    }
}
