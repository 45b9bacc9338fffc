//! What a client does to its own live subscriptions from another connection.
//!
//! They are those of the same verified subject whose clients call themselves the same. The name alone proves nothing:
//! others can see it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use encke_core::Selector;

use crate::{
    Action, Grant, Hub, SubscribeError,
    registry::{Live, Order},
};

impl Hub {
    /// Has the live subscriptions of the client and subject of `grant` hold it from now on. Returns how many: none if
    /// the grant has no verified subject.
    pub fn renew(&self, grant: &Grant) -> usize {
        let mut own = self.own(grant);
        // Who does not come to obey is as good as gone.
        own.retain(|live| live.takes_orders());
        own.iter().for_each(|live| live.order(Order::Renew(grant.clone())));
        own.len()
    }

    /// What the live subscriptions of the client and subject of `grant` follow.
    #[must_use]
    pub fn followed_own(&self, grant: &Grant) -> Vec<Selector> {
        let mut followed = HashSet::new();
        for live in self.own(grant) {
            followed.extend(live.view().selectors.iter().cloned());
        }
        followed.into_iter().collect()
    }

    /// Has the live subscriptions of the client and subject of `grant` follow `selectors` too, from when they obey on.
    /// Returns how many.
    ///
    /// # Errors
    /// [`SubscribeError`] says why not; then nothing has changed.
    pub fn follow_own(&self, grant: &Grant, selectors: &[Selector]) -> Result<usize, SubscribeError> {
        let now = self.now();
        for selector in selectors {
            self.inner.permit(grant, Action::Subscribe, selector, now)?;
        }
        let own = self.own(grant);
        let limit = self.config().selectors;
        for live in &own {
            if live.view().selectors.len() + selectors.len() > limit {
                return Err(SubscribeError::TooManySelectors { limit });
            }
        }
        order(&own, || Order::Follow(grant.clone(), selectors.to_vec()))?;
        Ok(own.len())
    }

    /// Has the live subscriptions of the client and subject of `grant` follow `selectors` no longer. Returns how many
    /// followed any of them.
    ///
    /// # Errors
    /// [`SubscribeError`] if they have too much to obey already.
    pub fn unfollow_own(&self, grant: &Grant, selectors: &[Selector]) -> Result<usize, SubscribeError> {
        let mut own = self.own(grant);
        own.retain(|live| live.view().selectors.iter().any(|known| selectors.contains(known)));
        order(&own, || Order::Leave(selectors.to_vec()))?;
        Ok(own.len())
    }

    fn own(&self, grant: &Grant) -> Vec<Arc<Live>> {
        let Some(subject) = grant.subject() else { return Vec::new() };
        let mut own = self.inner.registry.of_subject(subject);
        own.retain(|live| live.view().grant.asker().client == grant.asker().client);
        own
    }
}

/// Gives an order to all of them, or to none if one of them does not come to obey.
fn order(own: &[Arc<Live>], order: impl Fn() -> Order) -> Result<(), SubscribeError> {
    if !own.iter().all(|live| live.takes_orders()) {
        return Err(SubscribeError::TooMany { retry: Duration::from_secs(1) });
    }
    own.iter().for_each(|live| live.order(order()));
    Ok(())
}
