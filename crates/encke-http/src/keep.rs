use std::sync::Arc;

/// Something that is kept for as long as a request is held: an extension of the request.
///
/// Whoever accepts requests may count them so. The answer's body is his to watch; a service whose work outlives its answer
/// takes it along, as encke-ws does for the connection that comes of an upgrade.
#[derive(Clone)]
pub struct Keep {
    _kept: Arc<dyn Send + Sync>,
}

impl Keep {
    /// Keeps `kept` until the last clone is dropped.
    #[must_use]
    pub fn new(kept: impl Send + Sync + 'static) -> Self {
        Self { _kept: Arc::new(kept) }
    }
}

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keep")
    }
}
