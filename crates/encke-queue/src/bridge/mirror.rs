use std::future;

use encke_core::{Batch, Cursor, Limit, Selector, Since};
use encke_hub::{End, Grant, Hub, Subscription};

use super::{Broken, Course};

/// What is read at a time. While it is sent, nothing from Redis is published.
const LIMIT: Limit = Limit { messages: 128, bytes: 1 << 20 };

/// Reads what is to be published in Redis.
pub(super) struct Mirror(Subscription);

impl Mirror {
    pub(super) async fn open(
        hub: &Hub,
        grant: &Grant,
        selectors: &[Selector],
        after: Option<Cursor>,
    ) -> Result<Self, Broken> {
        let since = after.map_or(Since::Latest, Since::After);
        let opened = hub.subscribe(grant, "bridge", selectors.to_vec(), since).await;
        let mut subscription = opened.map_err(|error| Broken::Mirror(error.to_string()))?;
        // So it is nobody's member: nobody is there.
        subscription.keep_lease();
        Ok(Self(subscription))
    }

    pub(super) fn cursor(&self) -> Cursor {
        self.0.cursor()
    }

    /// Whether it has still to come by something that the bridge published itself.
    pub(super) fn is_behind(&self, course: &Course) -> bool {
        course.own.last().is_some_and(|last| *last > self.cursor().seq)
    }

    /// What there is.
    pub(super) async fn read(&mut self) -> Result<Batch, Broken> {
        let batch = self.0.read(LIMIT).await;
        self.checked(batch)
    }

    /// What comes, if it is there to read; else nothing ever.
    pub(super) async fn next(mirror: &mut Option<Self>) -> Result<Batch, Broken> {
        let Some(mirror) = mirror else { return future::pending().await };
        let batch = mirror.0.next(LIMIT).await;
        mirror.checked(batch)
    }

    fn checked(&mut self, batch: Result<Batch, End>) -> Result<Batch, Broken> {
        // What others have ordered it to follow is not what it was configured to: it begins anew.
        if !self.0.take_changes().is_empty() {
            return Err(Broken::Mirror("it was ordered to follow something else".into()));
        }
        batch.map_err(|end| Broken::Mirror(format!("{end:?}")))
    }
}
