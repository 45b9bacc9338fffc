use std::io::{self, IsTerminal, Write};

use encke_client::{Resume, SubscribeOptions, Transport};
use encke_core::Selector;
use encke_wire::parse_since;

use super::{
    Failure, client,
    line::{Format, line},
    written,
};
use crate::cli::{self, Exit, SubscribeArgs};

/// After so many failures in a row, about two minutes, somebody should look why.
const ATTEMPTS: u32 = 10;

/// Follows channels and prints each message on a line, until it is interrupted or nobody reads any more.
pub async fn subscribe(args: SubscribeArgs) -> Exit {
    match try_subscribe(args).await {
        Ok(()) => Exit::Success,
        Err(failure) => failure.report(),
    }
}

async fn try_subscribe(args: SubscribeArgs) -> Result<(), Failure> {
    let client = client(&args.gateway)?;
    for channel in &args.channels {
        Selector::new(channel).map_err(|error| Failure::usage(&format!("CHANNEL {channel}"), error))?;
    }
    parse_since(&args.since).map_err(|error| Failure::usage(&format!("--since {}", args.since), error))?;
    let format = format(args.json);
    let options = SubscribeOptions::new(args.channels).since(&args.since).resume(Resume::Attempts(ATTEMPTS));
    let mut subscription = client.subscribe(transport(args.transport), options);
    while let Some(item) = subscription.next().await {
        let Some(line) = line(&item?, format) else { continue };
        // One write for a line, so that several processes can share a file; and at once, whoever reads.
        let mut out = io::stdout().lock();
        if !written(out.write_all(line.as_bytes()).and_then(|()| out.flush()))? {
            break;
        }
    }
    Ok(())
}

fn format(json: bool) -> Format {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match json {
        true => Format::Json,
        false => Format::Text { colour: io::stdout().is_terminal() && !plain },
    }
}

fn transport(transport: cli::Transport) -> Transport {
    match transport {
        cli::Transport::Poll => Transport::Poll,
        cli::Transport::Longpoll => Transport::LongPoll,
        cli::Transport::Sse => Transport::Sse,
        cli::Transport::Iframe => Transport::Iframe,
        cli::Transport::Ws => Transport::Ws,
    }
}
