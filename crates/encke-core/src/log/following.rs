//! What comes to be because somebody follows it, and is forgotten when nothing needs it.

use std::sync::Arc;

use super::{Shared, State, is_known};
use crate::{ChannelName, Mark, OpenError, Pattern, channel::Channel, pattern_view::PatternView, sync::lock};

impl State {
    /// The channel `name` for one who follows it.
    pub(crate) fn open_channel(
        &mut self,
        shared: &Shared,
        name: &ChannelName,
    ) -> Result<Arc<Channel>, OpenError> {
        if let Some(known) = self.find(name) {
            return Ok(Arc::clone(known));
        }
        if self.channels.len() >= shared.config.channels {
            return Err(OpenError::TooManyChannels);
        }
        Ok(self.make(shared, name))
    }

    /// The view of `pattern` for one who follows it. The first to follow it pays for a look at every channel.
    pub(crate) fn open_pattern(
        &mut self,
        shared: &Shared,
        pattern: &Pattern,
    ) -> Result<Arc<PatternView>, OpenError> {
        if let Some(view) = self.patterns.get(pattern) {
            return Ok(Arc::clone(view));
        }
        if self.patterns.len() >= shared.config.patterns {
            return Err(OpenError::TooManyPatterns);
        }
        let matching = |channel: &&Arc<Channel>| pattern.matches(&channel.name);
        let channels: Vec<_> = self.all().filter(matching).cloned().collect();
        let mut mark = self.tombstones.highest(|name| pattern.matches(name));
        let mut evicted = 0;
        for channel in &channels {
            let state = lock(&channel.state);
            mark.raise(state.trimmed);
            evicted = evicted.max(state.evicted.seq);
        }
        let view = Arc::new(PatternView::new(
            pattern.clone(),
            shared.config.pattern_window.max(1),
            &channels,
            self.last,
            mark,
            evicted,
        ));
        channels.iter().for_each(|channel| lock(&channel.state).patterns.push(Arc::clone(&view)));
        self.patterns.insert(pattern.clone(), Arc::clone(&view));
        Ok(view)
    }

    /// Forgets a channel that holds nothing and that nobody follows; its mark stays.
    pub(crate) fn forget_if_idle(&mut self, channel: &Arc<Channel>) {
        let state = lock(&channel.state);
        if !is_known(&self.channels, channel) || !state.is_idle() {
            return;
        }
        self.channels.remove(&channel.name);
        self.names.remove(&channel.name);
        state.patterns.iter().for_each(|view| view.remove(channel));
        // A channel that never had a message leaves nothing behind that a gap could be about.
        if channel.last() > 0 {
            let mark = Mark { seq: channel.last(), time: state.trimmed.time };
            self.tombstones.insert(channel.name.clone(), mark);
        }
    }

    /// Notes that all messages of a channel up to `mark` are gone, its last.
    pub(crate) fn bury(&mut self, name: &ChannelName, mark: Mark) {
        if self.find(name).is_none() {
            self.tombstones.insert(name.clone(), mark);
        }
    }

    pub(crate) fn bury_rest(&mut self, mark: Mark) {
        self.tombstones.raise_rest(mark);
    }

    pub(crate) fn last_in(&self, name: &ChannelName) -> u64 {
        self.find(name).map_or_else(|| self.tombstones.last_in(name), |channel| channel.last())
    }

    /// Forgets a pattern that nobody follows.
    pub(crate) fn forget_pattern_if_idle(&mut self, view: &Arc<PatternView>) {
        let known = self.patterns.get(&view.pattern).is_some_and(|known| Arc::ptr_eq(known, view));
        if !known || !view.follow(|followers| followers.is_empty()) {
            return;
        }
        self.patterns.remove(&view.pattern);
        for channel in view.channels() {
            lock(&channel.state).patterns.retain(|known| !Arc::ptr_eq(known, view));
        }
    }
}
