use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use encke_core::Log;
use tokio::sync::oneshot;

use crate::record::Id;

/// A log, how far it has been fed, and those who wait for that.
pub(crate) struct Fed {
    pub(crate) log: Log,
    state: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    reached: Id,
    /// How many followed the newest messages; the last is that of `reached.seq`.
    followers: VecDeque<usize>,
    waiting: BTreeMap<Id, Vec<oneshot::Sender<()>>>,
    /// Another log is fed instead.
    over: bool,
}

impl Fed {
    /// Of so many of the newest messages it is known how many followed.
    const FOLLOWERS: usize = 4_096;

    pub(crate) fn new(log: Log, reached: Id) -> Self {
        Self { log, state: Mutex::new(Progress { reached, ..Progress::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reached(&self) -> Id {
        self.lock().reached
    }

    /// Notes that it was fed up to `id`, and lets those go on who wait for that. Of a message, how many followed.
    pub(crate) fn reach(&self, id: Id, followers: Option<usize>) {
        let mut state = self.lock();
        state.reached = id;
        if let Some(followers) = followers {
            if state.followers.len() == Self::FOLLOWERS {
                state.followers.pop_front();
            }
            state.followers.push_back(followers);
        }
        let later = state.waiting.split_off(&Id { part: id.part + 1, ..id });
        let now = std::mem::replace(&mut state.waiting, later);
        drop(state);
        now.into_values().flatten().for_each(|waits| {
            // Whoever does not wait any more does not mind.
            let _ = waits.send(());
        });
    }

    /// Waits until it has been fed up to `id`. False if that will not be, because another log is fed instead.
    pub(crate) async fn wait(&self, id: Id) -> bool {
        let waits = {
            let mut state = self.lock();
            if state.reached >= id {
                return true;
            }
            if state.over {
                return false;
            }
            let (waits, reached) = oneshot::channel();
            state.waiting.entry(id).or_default().push(waits);
            reached
        };
        waits.await.is_ok()
    }

    /// How many followed a message when it came; 0 if that is forgotten.
    pub(crate) fn followers(&self, seq: u64) -> usize {
        let state = self.lock();
        let back = state.reached.seq.checked_sub(seq).and_then(|back| usize::try_from(back).ok());
        let at = back.and_then(|back| state.followers.len().checked_sub(back + 1));
        at.and_then(|at| state.followers.get(at)).copied().unwrap_or(0)
    }

    /// Lets all go who wait: another log is fed from now on.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }
}
