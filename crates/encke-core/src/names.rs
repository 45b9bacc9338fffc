use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Included, Unbounded},
    sync::Arc,
};

use crate::{
    ChannelName, Pattern,
    channel::{ByName, Channel},
    sync::{Mutex, lock},
};

/// All channels in the order of their names, for those who look at them.
///
/// It has a lock of its own, so that looking holds up no append. Whoever holds the log's lock may take this one.
#[derive(Default)]
pub(crate) struct Names(Mutex<BTreeSet<ByName>>);

impl Names {
    pub(crate) fn insert(&self, channel: &Arc<Channel>) {
        lock(&self.0).insert(ByName(Arc::clone(channel)));
    }

    pub(crate) fn remove(&self, name: &ChannelName) {
        lock(&self.0).remove(name);
    }

    /// Looks at the `looks` channels after `after`: those of them that `pattern` matches, and the name to go on after,
    /// if there may be more.
    pub(crate) fn look(
        &self,
        after: Option<&str>,
        pattern: Option<&Pattern>,
        looks: usize,
    ) -> (Vec<Arc<Channel>>, Option<ChannelName>) {
        let prefix = pattern.map_or("", Pattern::prefix);
        let from = match after {
            Some(after) if after >= prefix => Excluded(after),
            _ => Included(prefix),
        };
        let names = lock(&self.0);
        let some: Vec<_> = names.range::<str, _>((from, Unbounded)).take(looks).cloned().collect();
        drop(names);

        let within = |channel: &&ByName| channel.0.name.as_str().starts_with(prefix);
        let seen = some.iter().take_while(within).count();
        let next = some.last().filter(|_| seen == looks).map(|last| last.0.name.clone());
        let matches = |channel: &Channel| pattern.is_none_or(|pattern| pattern.matches(&channel.name));
        let found = some.into_iter().take(seen).map(|known| known.0).filter(|channel| matches(channel));
        (found.collect(), next)
    }
}
