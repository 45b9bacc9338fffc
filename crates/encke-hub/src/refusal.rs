use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use encke_core::{Selector, Timestamp};

use crate::{Action, Denied, Identity};

/// Somebody who might not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Who, as far as it is known.
    pub who: Identity,
    /// What he wanted to do.
    pub action: Action,
    /// On which channels; the first, if there were several.
    pub on: Option<Selector>,
    /// Why he might not.
    pub why: Denied,
}

/// The last refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<VecDeque<Refusal>>);

impl Refusals {
    /// Refusals that are remembered; the oldest go first.
    pub(crate) const LIMIT: usize = 1_000;

    fn lock(&self) -> MutexGuard<'_, VecDeque<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, refusal: Refusal) {
        let mut last = self.lock();
        if last.len() >= Self::LIMIT {
            last.pop_front();
        }
        last.push_back(refusal);
    }

    /// The newest first.
    pub(crate) fn all(&self) -> Vec<Refusal> {
        self.lock().iter().rev().cloned().collect()
    }
}
