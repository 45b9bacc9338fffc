use bytes::Bytes;
use encke_core::{Batch, Cursor, Delivery, Limit};
use encke_wire::{Envelope, write_gap};

/// What one request of a webhook carries at most; a single message may be larger.
pub(crate) const LIMIT: Limit = Limit { messages: 100, bytes: 256 << 10 };

/// The body of one request, and the place of who has taken it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) body: Bytes,
    pub(crate) messages: usize,
    pub(crate) cursor: Cursor,
}

/// Cuts `batch` into bodies that keep within `limit`: `{"messages":[..],"cursor":".."}`, each with what is wanted. There
/// is none if nothing is.
pub(crate) fn posts(batch: &Batch, limit: Limit, wanted: impl Fn(&Delivery) -> bool) -> Vec<Post> {
    let mut posts = Vec::new();
    let mut body = Body::new();
    let mut last = batch.cursor;
    for gap in &batch.gaps {
        let mut item = Vec::new();
        write_gap(gap, &mut item);
        body.push(&item);
    }
    for message in batch.messages.iter().filter(|message| wanted(message)) {
        let item = message.encoded::<Envelope>();
        // A gap never goes alone ahead of a message: its place is not yet that of who has seen it.
        let full = body.messages == limit.messages || body.json.len() + item.len() + Body::END > limit.bytes;
        if body.messages > 0 && full {
            posts.push(std::mem::replace(&mut body, Body::new()).end(last));
        }
        body.push(&item);
        body.messages += 1;
        last = message.cursor();
    }
    if !body.is_empty() {
        posts.push(body.end(batch.cursor));
    }
    posts
}

struct Body {
    json: Vec<u8>,
    messages: usize,
}

impl Body {
    const BEGIN: &[u8] = b"{\"messages\":[";
    /// What comes after the messages.
    const END: usize = b",],\"cursor\":\"\"}".len() + Cursor::MAX_LEN;

    fn new() -> Self {
        Self { json: Self::BEGIN.to_vec(), messages: 0 }
    }

    fn is_empty(&self) -> bool {
        self.json.len() == Self::BEGIN.len()
    }

    fn push(&mut self, item: &[u8]) {
        if !self.is_empty() {
            self.json.push(b',');
        }
        self.json.extend_from_slice(item);
    }

    fn end(mut self, cursor: Cursor) -> Post {
        self.json.extend_from_slice(b"],\"cursor\":\"");
        cursor.write(&mut self.json);
        self.json.extend_from_slice(b"\"}");
        Post { body: self.json.into(), messages: self.messages, cursor }
    }
}

#[cfg(test)]
mod tests {
    use encke_core::{ChannelName, Epoch, Log, LogConfig, Message, Publish, Since, Timestamp};
    use encke_wire::{Received, ReceivedBatch};

    use super::*;

    /// A batch of a gap and `count` messages of control characters, each of which takes six bytes as JSON.
    fn batch(count: usize, size: usize) -> Batch {
        let log = Log::new(Epoch::from_bits(1), LogConfig::default());
        let a = ChannelName::new("a").unwrap();
        for index in 0..count {
            let text = format!("{index}{}", "\u{1}".repeat(size));
            log.append(Publish::new(a.clone(), Message::text(text)), Timestamp::default()).map(drop).unwrap();
        }
        let other = Cursor { epoch: Epoch::from_bits(2), seq: 1 };
        let mut tail = log.open([a.into()], Since::After(other), Timestamp::default()).unwrap();
        tail.read(LIMIT)
    }

    #[test]
    fn bodies_keep_within_the_limit_and_have_all_of_it() {
        for (count, size, limit) in [(100, 10, LIMIT), (50, 2_000, LIMIT), (4, 60_000, LIMIT)] {
            let batch = batch(count, size);
            let posts = posts(&batch, limit, |_| true);
            assert_eq!(posts.len() > 1, size > 1_000, "{size}");
            let mut seqs = Vec::new();
            for post in &posts {
                assert!(post.body.len() <= limit.bytes || post.messages == 1);
                let body = ReceivedBatch::parse(&post.body).unwrap();
                assert_eq!(body.cursor, post.cursor.to_string());
                let gaps = body.messages.iter().filter(|item| matches!(item, Received::Gap(_))).count();
                assert_eq!(gaps, usize::from(seqs.is_empty()));
                seqs.extend(body.messages.iter().filter_map(|item| match item {
                    Received::Message(message) => Some(message.seq),
                    _ => None,
                }));
                assert_eq!(seqs.last(), Some(&post.cursor.seq));
            }
            assert_eq!(seqs, (1..=count as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_not_wanted_is_passed_over() {
        let mut batch = batch(100, 1);
        let some = posts(&batch, Limit { messages: 3, ..LIMIT }, |message| message.seq() <= 4);
        let cursors: Vec<_> = some.iter().map(|post| (post.messages, post.cursor.seq)).collect();
        assert_eq!(cursors, [(3, 3), (1, 100)]);
        assert_eq!(posts(&batch, LIMIT, |_| false).len(), 1, "the gap is told anyway");
        batch.gaps.clear();
        assert_eq!(posts(&batch, LIMIT, |_| false), []);
    }
}
