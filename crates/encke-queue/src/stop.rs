use std::time::Duration;

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tokio::time::timeout;

/// The end that was asked for, for all who look out for it.
#[derive(Clone)]
pub(crate) struct Stop<'a>(Shared<BoxFuture<'a, ()>>);

impl<'a> Stop<'a> {
    pub(crate) fn new(stop: impl Future<Output = ()> + Send + 'a) -> Self {
        Self(stop.boxed().shared())
    }

    pub(crate) fn has_come(&self) -> bool {
        self.0.clone().now_or_never().is_some()
    }

    pub(crate) async fn comes(&self) {
        self.0.clone().await;
    }

    /// Waits so long, unless it comes.
    pub(crate) async fn or_after(&self, wait: Duration) {
        // Either is what was waited for.
        let _ = timeout(wait, self.comes()).await;
    }
}
