//! What whoever runs the node sees of the node itself.

use encke_core::{LogConfig, Timestamp};

use crate::{BanId, BanInfo, Counts, Denied, Grant, Hub, Refusal};

impl Hub {
    /// The first `limit` bans in force whose numbers follow `after`.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub fn bans(&self, grant: &Grant, after: Option<BanId>, limit: usize) -> Result<Vec<BanInfo>, Denied> {
        self.administer(grant)?;
        Ok(self.inner.bans.some(self.now(), after, limit))
    }

    /// How many bans there are.
    #[must_use]
    pub fn ban_count(&self) -> usize {
        self.inner.bans.len()
    }

    /// The last refusals, at most a thousand, the newest first.
    ///
    /// # Errors
    /// [`Denied`] if the grant is not for [`Action::Administer`](crate::Action::Administer).
    pub fn refusals(&self, grant: &Grant) -> Result<Vec<Refusal>, Denied> {
        self.administer(grant)?;
        Ok(self.inner.refusals.all())
    }

    /// What it had done when, each second of the last minute, the oldest first. Nothing, unless the host runs
    /// [`Hub::maintain`].
    #[must_use]
    pub fn samples(&self) -> Vec<(Timestamp, Counts)> {
        self.inner.samples.all()
    }

    /// When it was made.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.inner.began
    }

    /// The limits of its log.
    #[must_use]
    pub fn log_config(&self) -> &LogConfig {
        self.inner.engine.log().config()
    }
}
