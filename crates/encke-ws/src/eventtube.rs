//! The commands of EventTube's clients. They know no answers: only what is wrong is told.

use encke_core::{ChannelName, Publish, Selector, Since};
use encke_hub::Subscription;
use encke_wire::{Problem, eventtube::Command};

use crate::commands::{Commands, allowed, unsubscribe};

/// Does what a command asks for.
pub(crate) async fn obey(
    commands: &Commands,
    text: &[u8],
    broadcast: &ChannelName,
    may_publish: bool,
    subscription: &mut Subscription,
) -> Result<(), Problem> {
    match Command::parse(std::str::from_utf8(text).unwrap_or_default())? {
        Command::Subscribe(selector) => {
            not_reserved(&selector, broadcast)?;
            commands.subscribe(vec![selector], Since::Latest, subscription).await?;
        }
        Command::Unsubscribe(selector) => {
            not_reserved(&selector, broadcast)?;
            unsubscribe(&selector, subscription)?;
        }
        Command::Publish { channel, message } => {
            not_reserved(&channel.clone().into(), broadcast)?;
            allowed(may_publish)?;
            commands.store(Publish::new(channel, message)).await?;
        }
        Command::Broadcast(message) => {
            allowed(may_publish)?;
            commands.store(Publish::new(broadcast.clone(), message)).await?;
        }
        _ => return Err(Problem::bad_request("this command is not known here")),
    }
    Ok(())
}

/// Everybody follows the channel of broadcasts, whether he subscribes or not, so nobody may mean something else by it.
fn not_reserved(selector: &Selector, broadcast: &ChannelName) -> Result<(), Problem> {
    if matches!(selector, Selector::Channel(channel) if channel == broadcast) {
        let detail =
            format!("{broadcast} is the channel of broadcasts, which everybody gets: send type broadcast");
        return Err(Problem::bad_channel(detail));
    }
    Ok(())
}
