use crate::{
    Cursor, GapReason, Mark, Opening, Since, Timestamp,
    log::{Shared, State},
    slot::Source,
};

/// Where a reader begins, and which gaps that means.
pub(crate) struct Begin {
    pub(crate) seq: u64,
    claim: Claim,
}

/// What is to be followed, and the newest of its messages that are too old for the reader.
pub(crate) type Withholding = (Source, Mark);

/// What the reader says that it has seen.
enum Claim {
    /// Nothing: it takes what there is.
    Nothing,
    /// Everything up to a place.
    Place(Cursor),
    /// Everything before a moment; the cursor is the beginning of the log.
    Before(Timestamp, Cursor),
    /// Everything up to a place that is not one of this log.
    Unknown(Cursor, GapReason),
}

impl Begin {
    /// The beginning, after all that is withheld. Whoever asks for a moment before the floor asks for the floor: he is
    /// not told of what is older.
    pub(crate) fn new(opening: &Opening, sources: &[Withholding], state: &State, shared: &Shared) -> Self {
        let head = state.last;
        let begin = match opening.since {
            Since::Earliest => Self { seq: 0, claim: Claim::Nothing },
            Since::Latest => Self { seq: head, claim: Claim::Nothing },
            Since::After(cursor) if cursor.epoch != shared.home.epoch => {
                Self { seq: 0, claim: Claim::Unknown(cursor, GapReason::Epoch) }
            }
            Since::After(cursor) if cursor.seq > head => {
                Self { seq: head, claim: Claim::Unknown(cursor, GapReason::Future) }
            }
            Since::After(cursor) => Self { seq: cursor.seq, claim: Claim::Place(cursor) },
            Since::Last(count) => {
                let mut seqs = opening.sought.newest.clone();
                sources.iter().for_each(|(source, _)| source.newest(count, &mut seqs));
                seqs.sort_unstable_by(|a, b| b.cmp(a));
                seqs.dedup();
                seqs.truncate(count);
                Self { seq: seqs.last().map_or(head, |seq| seq - 1), claim: Claim::Nothing }
            }
            Since::At(_) | Since::Ago(_) => Self::at(opening, sources, head, shared),
        };
        let withheld = sources.iter().map(|(_, withheld)| withheld.seq).max().unwrap_or(0);
        Self { seq: begin.seq.max(withheld), ..begin }
    }

    fn at(opening: &Opening, sources: &[Withholding], head: u64, shared: &Shared) -> Self {
        let time = opening.moment().unwrap_or_default();
        let in_memory = sources.iter().filter_map(|(source, _)| source.first_at(time));
        let first = in_memory.chain(opening.sought.first_at).min();
        Self { seq: first.map_or(head, |seq| seq - 1), claim: Claim::Before(time, shared.home.cursor(0)) }
    }

    /// The gap that it means where `gone` is the newest that is trimmed or withheld.
    pub(crate) fn gap(&self, gone: Mark) -> Option<(Cursor, GapReason)> {
        match self.claim {
            Claim::Place(cursor) if gone.seq > cursor.seq => Some((cursor, GapReason::Trimmed)),
            Claim::Before(time, start) if gone.seq > 0 && gone.time >= time => {
                Some((start, GapReason::Trimmed))
            }
            Claim::Unknown(cursor, reason) => Some((cursor, reason)),
            Claim::Nothing | Claim::Place(_) | Claim::Before(..) => None,
        }
    }
}
