use std::{collections::VecDeque, time::Duration};

use encke_client::{
    Client, ClientError, Received, ReceivedGap, ReceivedMessage, Resume, SubscribeOptions, Subscription,
    Transport,
};
use encke_core::{ChannelName, Message};
use tokio::time::timeout;

use crate::PATIENCE;

/// A subscription as a test reads it.
pub struct Reader {
    subscription: Subscription,
    /// The gaps so far.
    pub gaps: Vec<ReceivedGap>,
    early: VecDeque<ReceivedMessage>,
}

impl Reader {
    /// Follows channels from `since` on.
    ///
    /// # Panics
    /// If the URL is none.
    pub fn new(url: &str, transport: Transport, channels: &[&str], since: &str) -> Self {
        Self::with(url, transport, channels, since, Resume::Always)
    }

    /// The same, with what to do at an end.
    ///
    /// # Panics
    /// If the URL is none.
    pub fn with(url: &str, transport: Transport, channels: &[&str], since: &str, resume: Resume) -> Self {
        let client = Client::new(url).expect("a URL");
        let options = SubscribeOptions::new(channels.iter().copied())
            .since(since)
            .interval(Duration::from_millis(10))
            .wait(Duration::from_secs(5))
            .resume(resume);
        Self { subscription: client.subscribe(transport, options), gaps: Vec::new(), early: VecDeque::new() }
    }

    /// Reads one item; `None` at the end.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Panics
    /// If nothing comes for [`PATIENCE`].
    pub async fn item(&mut self) -> Option<Result<Received, ClientError>> {
        let next = timeout(PATIENCE, self.subscription.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing came after {:?}", self.subscription.cursor()));
        next.map(|item| item.map(|item| item.received))
    }

    async fn step(&mut self) -> Option<Received> {
        match self.item().await {
            Some(Ok(received)) => {
                if let Received::Gap(gap) = &received {
                    self.gaps.push(gap.clone());
                }
                Some(received)
            }
            Some(Err(error)) => panic!("{error}, at {:?}", self.subscription.cursor()),
            None => None,
        }
    }

    /// Reads until there is a place: whatever is published from now on must come. Returns it.
    ///
    /// # Panics
    /// If the subscription fails.
    pub async fn place(&mut self) -> String {
        loop {
            if let Some(cursor) = self.subscription.cursor() {
                return cursor.to_string();
            }
            match self.step().await {
                Some(Received::Message(message)) => self.early.push_back(message),
                Some(_) => {}
                None => panic!("the subscription ended before it had a place"),
            }
        }
    }

    /// Reads `count` messages.
    ///
    /// # Panics
    /// If the subscription fails or ends.
    pub async fn messages(&mut self, count: usize) -> Vec<ReceivedMessage> {
        let mut messages = Vec::new();
        while messages.len() < count {
            if let Some(message) = self.early.pop_front() {
                messages.push(message);
                continue;
            }
            match self.step().await {
                Some(Received::Message(message)) => messages.push(message),
                Some(_) => {}
                None => panic!("the end after {} of {count} messages", messages.len()),
            }
        }
        messages
    }

    /// Reads `count` messages whose data are numbers, and checks that seqs rise (D3).
    ///
    /// # Panics
    /// If they do not, or the subscription fails.
    pub async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let messages = self.messages(count).await;
        let rising = messages.is_sorted_by(|a, b| a.seq < b.seq);
        assert!(rising, "D3: seq rises strictly: {:?}", messages.iter().map(|m| m.seq).collect::<Vec<_>>());
        messages.iter().map(|message| message.data.as_u64().expect("a number")).collect()
    }

    /// Reads what comes until the end.
    ///
    /// # Panics
    /// If the subscription fails.
    pub async fn to_end(&mut self) -> Vec<ReceivedMessage> {
        let mut messages = Vec::from(std::mem::take(&mut self.early));
        while let Some(received) = self.step().await {
            if let Received::Message(message) = received {
                messages.push(message);
            }
        }
        messages
    }

    /// The place reached.
    ///
    /// # Panics
    /// If there is none yet.
    pub fn cursor(&self) -> String {
        self.subscription.cursor().expect("a place").to_string()
    }

    /// Goes on over another transport.
    pub fn switch(&mut self, transport: Transport) {
        self.subscription.switch(transport);
    }
}

/// Publishes numbers to a channel, one after the other; returns the receipts' cursors.
///
/// # Panics
/// If one is refused.
pub(super) async fn publish(url: &str, channel: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    let mut cursors = Vec::new();
    for number in numbers {
        cursors.push(publish_to(url, &[channel], Message::json(number.to_string())).await);
    }
    cursors
}

/// Publishes a message to channels; returns its cursor.
///
/// # Panics
/// If it is refused.
pub(super) async fn publish_to(url: &str, channels: &[&str], message: Message) -> String {
    let client = Client::new(url).expect("a URL");
    let channels: Vec<_> = channels.iter().map(|name| ChannelName::new(name).expect("a name")).collect();
    client.publish(&channels, &message).await.expect("a receipt").cursor
}
