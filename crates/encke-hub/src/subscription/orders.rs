//! What others order a subscription to do.

use std::mem;

use encke_core::{Selector, Timestamp};

use super::{Change, Subscription};
use crate::{Action, Denied, Grant, SubscribeError, registry::Order};

impl Subscription {
    /// Holds `grant` from now on instead of what it was opened and followed with, and ends when that ends. What it does
    /// not cover is followed no longer, and what it gives without asking is followed too; each is a [`Change`].
    ///
    /// # Errors
    /// [`SubscribeError`] if the grant is another subject's, or its subject has as many subscriptions as he may; then
    /// nothing has changed.
    pub fn renew(&mut self, grant: &Grant) -> Result<(), SubscribeError> {
        let now = self.inner.now();
        let known = self.live.view().grant.clone();
        if known.subject().is_some() && known.subject() != grant.subject() {
            return Err(Denied::Forbidden.into());
        }
        if let Some(subject) = grant.subject_arc() {
            self.inner.registry.name(&self.live, subject, &self.inner.config)?;
        }
        let lost = |selector: &Selector| {
            !self.given.contains(selector)
                && self.inner.permit(grant, Action::Subscribe, selector, now).is_err()
        };
        let lost: Vec<_> = self.selectors().filter(lost).collect();
        self.drop_all(lost);
        self.live.view().grant = grant.clone();
        let kept = self.inner.config.presence.kept(&self.selectors().collect::<Vec<_>>());
        self.live.renew_lease(&self.inner, kept);
        self.expire_at(grant.expires());
        self.obey_one(Order::Follow(grant.clone(), grant.follows().to_vec()));
        Ok(())
    }

    /// Does what others have ordered; returns whether anything has changed by it.
    pub(super) fn obey(&mut self) -> bool {
        if self.live.is_ordered() {
            for order in self.live.take_orders() {
                self.obey_one(order);
            }
        }
        !self.changes.is_empty()
    }

    fn obey_one(&mut self, order: Order) {
        match order {
            Order::Follow(grant, selectors) => {
                for selector in selectors {
                    let known = self.selectors().any(|known| known == selector);
                    if known {
                        continue;
                    }
                    // What is refused is told as what it is: not followed.
                    let followed = self.follow_on(&grant, vec![selector.clone()]);
                    if followed.is_ok() && grant.is_trusted() {
                        self.given.push(selector.clone());
                    }
                    self.changes.push(match followed {
                        Ok(cursor) => Change::Followed(selector, cursor),
                        Err(_) => Change::Unfollowed(selector),
                    });
                }
            }
            Order::Unfollow(selector) => {
                let lost = self.selectors().filter(|known| known.overlaps(&selector)).collect();
                self.drop_all(lost);
            }
            Order::Leave(selectors) => self.drop_all(selectors),
            // Whoever ordered it has compared the subjects.
            Order::Renew(grant) => drop(self.renew(&grant)),
        }
    }

    fn drop_all(&mut self, selectors: Vec<Selector>) {
        for selector in selectors {
            if self.unfollow(&selector) {
                self.changes.push(Change::Unfollowed(selector));
            }
        }
    }

    pub(super) fn expire_at(&mut self, expires: Option<Timestamp>) {
        self.inner.registry.expire_at(&self.live, mem::replace(&mut self.expires, expires), expires);
    }

    /// Shows others what is followed now.
    pub(super) fn show(&self) {
        let mut view = self.live.view();
        (view.selectors, view.begins) = self.tail.begins().unzip();
    }
}
