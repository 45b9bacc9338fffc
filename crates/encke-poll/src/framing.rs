use encke_core::{Batch, Cursor};

/// The tag of an answer: the place of the last thing in it, so that it changes when there is something new.
///
/// It is weak (RFC 9110, section 8.8.1): the `cursor` of an unchanged answer moves with the log.
pub(crate) fn tag(batch: &Batch, presented: Cursor) -> String {
    let last = batch.messages.last().map(encke_core::Delivery::cursor);
    let gap = batch.gaps.iter().map(|gap| gap.to).max_by_key(|cursor| cursor.seq);
    format!("W/\"{}\"", last.or(gap).unwrap_or(presented))
}
