//! What must be true of a log that was opened again.

use encke_core::{AppendError, ChannelName, Cursor, Message, Publish, Retention, Selector};
use encke_hub::{Engine, EngineError};
use fastrand::Rng;

use crate::{
    reader::{Got, read},
    story::{Removed, Said, Story, channels},
};

/// A moment of a story: so many changes were made, and readers had seen this much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) changes: usize,
    /// Whether no answer counts.
    pub(crate) is_void: bool,
    pub(crate) seen: u64,
    /// Whether the last of it may be lost, if the epoch says so.
    pub(crate) relaxed: bool,
}

impl Moment {
    pub(crate) fn at(changes: usize, seen: u64) -> Self {
        Self { changes, is_void: false, seen, relaxed: false }
    }

    /// Whether what was answered after so many changes must be there.
    fn answered(self, acked: usize) -> bool {
        acked <= self.changes && !self.is_void
    }

    /// When everything was over.
    pub(crate) fn end(story: &Story) -> Self {
        Self::at(usize::MAX - 1, story.head())
    }
}

/// Says what is wrong.
macro_rules! sure {
    ($holds:expr, $($wrong:tt)+) => {
        if !$holds {
            return Err(format!($($wrong)+));
        }
    };
}

/// Whether the log holds what it must after a crash at that moment (L2, L3, L5, L6). Returns the seq that it reaches.
pub(crate) async fn judge(engine: &impl Engine, story: &Story, mut moment: Moment) -> Result<u64, String> {
    let place = engine.log().head();
    if place.epoch != story.epoch && moment.relaxed {
        (moment.is_void, moment.seen) = (true, 0);
    }
    let acked = story.said.iter().filter(|said| moment.answered(said.acked)).map(|said| said.seq).max();
    let must = moment.seen.max(acked.unwrap_or(0));
    sure!(place.epoch == story.epoch || moment.relaxed, "L2: the epoch changed, though nothing was lost");
    sure!(place.seq >= must, "L3: the log ends at {}, and {must} was acknowledged or seen", place.seq);
    for channel in channels() {
        in_channel(engine, story, moment, &channel, place)
            .await
            .map_err(|wrong| format!("{channel}: {wrong}"))?;
    }
    let selector = Selector::new("**").unwrap();
    let start = Cursor { seq: 0, ..place };
    let all = read(engine, selector, start).await.map_err(|error| format!("unreadable: {error}"))?;
    let in_order = all.got.is_sorted_by(|one, next| one.seq < next.seq && one.time <= next.time);
    sure!(in_order, "D3: the order is wrong");
    Ok(place.seq)
}

async fn in_channel(
    engine: &impl Engine,
    story: &Story,
    moment: Moment,
    channel: &ChannelName,
    place: Cursor,
) -> Result<(), String> {
    let full: Vec<&Said> = story.of(channel, place.seq).collect();
    let start = Cursor { seq: 0, ..place };
    let reading = read(engine, channel.clone().into(), start).await;
    let reading = reading.map_err(|error| format!("unreadable: {error}"))?;
    let got = &reading.got;
    sure!(got.len() <= full.len(), "{} messages, and {} were said", got.len(), full.len());
    let (gone, rest) = full.split_at(full.len() - got.len());
    for (at, (got, said)) in got.iter().zip(rest).enumerate() {
        let before = if at > 0 { Some(rest[at - 1]) } else { gone.last().copied() };
        same(story, got, said, before.map_or(0, |said| said.seq))?;
    }
    let own = |removed: &&Removed| removed.channel == *channel && removed.upto <= place.seq;
    let ordered = story.removed.iter().filter(own);
    let removed = ordered.clone().filter(|removed| moment.answered(removed.acked));
    let removed = removed.map(|removed| removed.upto).max().unwrap_or(0);
    let first = got.first().map_or(u64::MAX, |got| got.seq);
    sure!(first > removed, "{first} is back, and all up to {removed} was removed");
    let asked = ordered.filter(|removed| removed.asked <= moment.changes);
    let asked = asked.map(|removed| removed.upto).max().unwrap_or(0);
    let due = kept(&full, engine.log().retention_of(channel), asked);
    sure!(got.len() >= due, "L3: {} messages, and {due} must be there", got.len());
    if let Some(last) = gone.last() {
        let told = reading.gaps.iter().any(|gap| gap.from.seq == 0 && gap.to.seq >= last.seq);
        sure!(told, "D1: up to {} is missing in silence: {:?}", last.seq, reading.gaps);
    } else {
        let to = reading.gaps.iter().map(|gap| gap.to.seq).max().unwrap_or(0);
        sure!(to < first || got.is_empty(), "a gap up to {to}, and nothing is missing");
    }
    Ok(())
}

/// How many of the newest must be kept.
fn kept(full: &[&Said], retention: Retention, removed: u64) -> usize {
    let mut bytes = 0;
    let fits = |(at, said): &(usize, &&Said)| {
        let message = said.publish.message();
        bytes += message.data().len() + message.name().map_or(0, str::len) + Retention::OVERHEAD;
        said.seq > removed && *at < retention.count.max(1) && bytes <= retention.bytes
    };
    full.iter().rev().enumerate().take_while(fits).count()
}

fn same(story: &Story, got: &Got, said: &Said, prev: u64) -> Result<(), String> {
    sure!(got.seq == said.seq, "L6: {} where {} is due", got.seq, said.seq);
    sure!(got.message == *said.publish.message(), "L1: {} has another message", got.seq);
    // Time does not run backwards, even if what came before was refused.
    let later = story.was_refused && got.time > said.time;
    sure!(got.time == said.time || later, "{} has the time {:?}, not {:?}", got.seq, got.time, said.time);
    // One that nobody was told of may have been stored, and be gone again.
    let unknown = |seq| story.said.iter().all(|said| said.seq != seq);
    let other = !story.unsure.is_empty() && got.prev > prev && unknown(got.prev);
    sure!(got.prev == prev || other, "L1: the one before {} is {} instead of {prev}", got.seq, got.prev);
    Ok(())
}

/// Whether keys answer as before (L4): what is stored is answered again, what is not is stored now.
pub(crate) async fn keys(engine: &impl Engine, story: &mut Story, rng: &mut Rng) -> Result<(), String> {
    let keyed = |all: &[Said]| -> Vec<Said> {
        all.iter().filter(|said| said.publish.key().is_some()).cloned().collect()
    };
    let (stored, lost) = (keyed(&story.said), keyed(&story.lost));
    for said in choose(&stored, rng) {
        let answer = engine.publish(said.publish.clone(), said.time).await;
        let (appended, _) = answer.map_err(|error| format!("L4: the key of {} gets {error}", said.seq))?;
        let cursor = Cursor { epoch: story.epoch, seq: said.seq };
        sure!(appended.repeated && appended.cursor == cursor, "L4: {cursor} came again as {appended:?}");
        let other = Publish::new(said.publish.channels()[0].clone(), Message::text("another"));
        let other = other.with_key(said.publish.key().unwrap().clone());
        let conflict = engine.publish(other, said.time).await.err();
        let due = EngineError::Refused(AppendError::KeyConflict);
        sure!(conflict == Some(due), "L4: the key of {cursor} took another message: {conflict:?}");
    }
    for said in choose(&lost, rng) {
        let answer = engine.publish(said.publish.clone(), said.time).await;
        let (appended, _) =
            answer.map_err(|error| format!("L4: the key of lost {} gets {error}", said.seq))?;
        sure!(!appended.repeated, "L4: {} is not stored, and answered as if it were", said.seq);
        story.add(said.publish.clone(), appended.cursor, said.time, 0);
    }
    Ok(())
}

fn choose<'a>(all: &'a [Said], rng: &mut Rng) -> impl Iterator<Item = &'a Said> + use<'a> {
    let some = if all.is_empty() { 0 } else { 2 };
    let mut at: Vec<usize> = (0..some).map(|_| rng.usize(..all.len())).collect();
    at.sort_unstable();
    at.dedup();
    at.into_iter().map(|at| &all[at])
}
