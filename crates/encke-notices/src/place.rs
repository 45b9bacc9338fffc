//! The place of a webhook, kept in a channel of the log: so it outlives what the log outlives, and other nodes find it.

use encke_core::{ChannelName, Cursor, Limit, Message, Publish, Since};
use encke_hub::{Grant, Hub};

/// It cannot be said whether a place was written down.
pub(crate) struct Unreadable;

/// The last place that was written down, if there is one.
pub(crate) async fn read(
    hub: &Hub,
    grant: &Grant,
    channel: &ChannelName,
) -> Result<Option<Cursor>, Unreadable> {
    let wanted = vec![channel.clone().into()];
    let subscription = hub.subscribe(grant, "webhook", wanted, Since::Last(1)).await;
    let mut subscription = subscription.map_err(|_| Unreadable)?;
    subscription.keep_lease();
    let batch = subscription.read(Limit::default()).await.map_err(|_| Unreadable)?;
    Ok(batch.messages.last().and_then(|last| last.message().as_text()?.parse().ok()))
}

/// Writes a place down. If that fails, what was sent since is sent again by whoever goes on from the last.
pub(crate) async fn write(hub: &Hub, grant: &Grant, channel: &ChannelName, place: Cursor) {
    let publish = Publish::new(channel.clone(), Message::text(place.to_string()));
    if let Err(error) = hub.publish(grant, publish).await {
        tracing::warn!(%error, %channel, "the place of a webhook could not be written down");
    }
}
