use std::collections::HashMap;

use encke_core::{ChannelName, Cursor, Epoch, Selector};
use encke_wire::{ReceivedGap, ReceivedMessage};

use crate::limits::REMEMBERED_CHANNELS;

/// The reason of a gap that no gateway told of, and that was found by [`prev`](ReceivedMessage::prev).
pub const LOST: &str = "lost";

/// Finds what was lost without a word: in each channel that it comes by, a message names the one before it, which must
/// be the last that came by that channel, or lie before the place that was presented, or in a gap that was told (D1).
///
/// What is remembered is bounded; where memory ends, nothing is claimed.
#[derive(Debug, Default)]
pub(crate) struct Continuity {
    epoch: Option<Epoch>,
    /// All messages after it were asked for. `None`: the beginning was not a place (`earliest`, `-20`), and what
    /// retention had removed before it is no loss.
    floor: Option<u64>,
    /// The last message of each channel.
    heads: HashMap<String, u64>,
    /// The last message of all.
    last: Option<u64>,
    /// Up to where messages were told to be missing.
    told: Vec<(Selector, u64)>,
}

impl Continuity {
    /// Everything after `place` is asked for.
    pub(crate) fn begin(&mut self, place: Cursor) {
        self.enter(place.epoch);
        self.floor.get_or_insert(place.seq);
    }

    /// A gap was told.
    pub(crate) fn tell(&mut self, gap: &ReceivedGap) {
        if let (Ok(to), Ok(selector)) = (gap.to.parse::<Cursor>(), Selector::new(&gap.channel)) {
            self.enter(to.epoch);
            self.excuse(selector, to.seq);
        }
    }

    /// A channel or pattern is followed from `place` on.
    pub(crate) fn followed(&mut self, channel: &str, place: Cursor) {
        if let Ok(selector) = Selector::new(channel) {
            self.enter(place.epoch);
            self.excuse(selector, place.seq);
        }
    }

    fn excuse(&mut self, selector: Selector, seq: u64) {
        if let Some((_, known)) = self.told.iter_mut().find(|(known, _)| *known == selector) {
            *known = seq.max(*known);
        } else if self.told.len() < REMEMBERED_CHANNELS {
            self.told.push((selector, seq));
        } else {
            // Nothing more can be claimed of what is known.
            *self = Self { epoch: self.epoch, ..Self::default() };
        }
    }

    /// Judges the next message, which is at `place`; returns the gap before it, if there is one. The gap is then
    /// told, and the message can be judged again.
    pub(crate) fn judge(&mut self, message: &ReceivedMessage, place: Cursor) -> Option<ReceivedGap> {
        let left = self
            .epoch
            .filter(|epoch| *epoch != place.epoch)
            .map(|epoch| Cursor { epoch, seq: self.last.or(self.floor).unwrap_or_default() });
        self.enter(place.epoch);
        for (channel, prev) in message.channels() {
            if let Some(from) = left.or_else(|| self.missing(channel, prev)) {
                self.excuse(Selector::new(channel).ok()?, prev);
                let to = Cursor { epoch: place.epoch, seq: prev };
                let (channel, from, to) = (channel.to_owned(), from.to_string(), to.to_string());
                return Some(ReceivedGap { channel, from, to, reason: LOST.to_owned() });
            }
        }
        message.channels().for_each(|(channel, _)| self.remember(channel, place.seq));
        self.last = Some(place.seq);
        None
    }

    /// What was last seen of a channel, if there is something between that and `prev`.
    fn missing(&self, channel: &str, prev: u64) -> Option<Cursor> {
        let name = ChannelName::new(channel).ok()?;
        let told =
            self.told.iter().filter(|(selector, _)| selector.matches(&name)).map(|(_, seq)| *seq).max();
        let head = match self.heads.get(channel) {
            Some(head) => Some(*head),
            // It may have been here and not be remembered.
            None if self.heads.len() == REMEMBERED_CHANNELS => return None,
            None => self.floor,
        };
        let seen = head.max(told)?;
        (prev > seen).then_some(Cursor { epoch: self.epoch?, seq: seen })
    }

    fn remember(&mut self, channel: &str, seq: u64) {
        if let Some(head) = self.heads.get_mut(channel) {
            *head = seq;
        } else if self.heads.len() < REMEMBERED_CHANNELS {
            self.heads.insert(channel.to_owned(), seq);
        }
    }

    /// In another life of the log nothing that was known counts.
    fn enter(&mut self, epoch: Epoch) {
        if self.epoch != Some(epoch) {
            *self = Self { epoch: Some(epoch), ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(seq: u64) -> Cursor {
        Cursor { epoch: Epoch::from_bits(1), seq }
    }

    fn message(channel: &str, place: Cursor, prev: u64) -> ReceivedMessage {
        ReceivedMessage {
            channel: channel.to_owned(),
            seq: place.seq,
            prev,
            also: BTreeMap::new(),
            cursor: place.to_string(),
            time: String::new(),
            name: None,
            content_type: None,
            data: "null".parse().unwrap(),
        }
    }

    /// Judges a message and, after a gap, judges it again; returns from where to where the gap is.
    fn judge(
        continuity: &mut Continuity,
        channel: &str,
        place: Cursor,
        prev: u64,
    ) -> Option<(String, String)> {
        let message = message(channel, place, prev);
        let gap = continuity.judge(&message, place);
        if gap.is_some() {
            assert_eq!(continuity.judge(&message, place), None);
        }
        gap.map(|gap| (gap.from, gap.to))
    }

    fn between(from: Cursor, to: Cursor) -> Option<(String, String)> {
        Some((from.to_string(), to.to_string()))
    }

    #[test]
    fn d1_a_message_that_never_came_is_a_gap() {
        let mut continuity = Continuity::default();
        continuity.begin(at(10));
        assert_eq!(judge(&mut continuity, "a", at(11), 9), None);
        assert_eq!(judge(&mut continuity, "a", at(13), 11), None);
        assert_eq!(judge(&mut continuity, "a", at(15), 14), between(at(13), at(14)));
        // Of a channel that nothing came of since the beginning, although others went on.
        assert_eq!(judge(&mut continuity, "b", at(16), 12), between(at(10), at(12)));
    }

    #[test]
    fn a_message_counts_for_each_of_its_channels() {
        let mut continuity = Continuity::default();
        continuity.begin(at(0));
        let in_both = |place: Cursor, a, b| {
            let also = BTreeMap::from([("b".to_owned(), b)]);
            ReceivedMessage { also, ..message("a", place, a) }
        };
        assert_eq!(continuity.judge(&in_both(at(1), 0, 0), at(1)), None);
        assert_eq!(judge(&mut continuity, "b", at(2), 1), None);
        // Each that has a hole is told, then the message is taken.
        let holes = in_both(at(9), 5, 7);
        let mut judge_again = || continuity.judge(&holes, at(9)).map(|gap| (gap.channel, gap.from, gap.to));
        let gap =
            |channel: &str, from, to| Some((channel.to_owned(), at(from).to_string(), at(to).to_string()));
        assert_eq!(judge_again(), gap("a", 1, 5));
        assert_eq!(judge_again(), gap("b", 2, 7));
        assert_eq!(judge_again(), None);
        assert_eq!(judge(&mut continuity, "b", at(10), 9), None);
        // It came, but not by this channel.
        assert_eq!(judge(&mut continuity, "a", at(11), 10), between(at(9), at(10)));
    }

    #[test]
    fn without_a_place_the_first_of_a_channel_is_its_beginning() {
        let mut continuity = Continuity::default();
        assert_eq!(judge(&mut continuity, "a", at(1), 0), None);
        assert_eq!(judge(&mut continuity, "b", at(50), 40), None);
        assert_eq!(judge(&mut continuity, "b", at(60), 55), between(at(50), at(55)));
    }

    #[test]
    fn what_was_told_to_be_missing_is_told_once() {
        let mut continuity = Continuity::default();
        continuity.begin(at(1));
        let gap = |channel: &str, to: Cursor| ReceivedGap {
            channel: channel.to_owned(),
            from: at(1).to_string(),
            to: to.to_string(),
            reason: "trimmed".to_owned(),
        };
        continuity.tell(&gap("a.*", at(20)));
        assert_eq!(judge(&mut continuity, "a.x", at(21), 19), None);
        assert_eq!(judge(&mut continuity, "b", at(22), 19), between(at(1), at(19)));
        let next = |seq| Cursor { epoch: Epoch::from_bits(2), seq };
        continuity.tell(&gap("b", next(3)));
        assert_eq!(judge(&mut continuity, "b", next(5), 3), None);
    }

    #[test]
    fn another_epoch_without_a_word_is_a_gap() {
        let mut continuity = Continuity::default();
        continuity.begin(at(10));
        let next = |seq| Cursor { epoch: Epoch::from_bits(2), seq };
        assert_eq!(judge(&mut continuity, "a", next(3), 2), between(at(10), next(2)));
        assert_eq!(judge(&mut continuity, "a", next(4), 3), None);
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_claimed_beyond_it() {
        let mut continuity = Continuity::default();
        continuity.begin(at(0));
        let channels = REMEMBERED_CHANNELS as u64;
        for seq in 1..=channels + 1 {
            assert_eq!(judge(&mut continuity, &format!("c{seq}"), at(seq), 0), None);
        }
        assert_eq!(continuity.heads.len(), REMEMBERED_CHANNELS);
        let next = channels + 3;
        let (known, unknown) = (format!("c{channels}"), format!("c{}", channels + 1));
        assert_eq!(judge(&mut continuity, &unknown, at(next), next - 1), None);
        assert_eq!(judge(&mut continuity, &known, at(next), next - 1), between(at(channels), at(next - 1)));
    }
}
