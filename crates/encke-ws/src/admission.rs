//! A connection that nobody is let in by yet: all that it may do is say who it is.

use std::{sync::Arc, time::Duration};

use encke_core::Since;
use encke_http::{ask, subscribe_problem, with_own};
use encke_hub::{Action, Asker, Grant, Subscription};
use encke_wire::{Command, CommandAction, CommandId, Problem, Remedy, Reply};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::{
    CloseCode, Dialect, Frame, Incoming, Input, Socket, SocketError, commands::Commands, framing,
    service::LABEL,
};

impl Commands {
    /// Whether someone who was refused for want of credentials can bring them by a command.
    pub(crate) fn may_authenticate(&self, refusal: &Problem) -> bool {
        let takes_commands = matches!(self.dialect, Dialect::Native { input: Input::Commands { .. }, .. });
        takes_commands
            && self.selectors.is_empty()
            && self.asker.token.is_none()
            && refusal.remedy == Remedy::Reauthenticate
    }

    /// Waits, for at most `within`, until the client has said who it is.
    ///
    /// # Errors
    /// How the socket is to be closed.
    pub(crate) async fn admit<S>(
        &mut self,
        socket: &mut Socket<S>,
        within: Duration,
    ) -> Result<(Subscription, Option<Frame>), (CloseCode, &'static str)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match timeout(within, self.hear(socket)).await {
            Ok(Ok(Heard::Admitted(subscription))) => {
                let greeting = self.dialect.greeting(&subscription).ok().flatten();
                Ok((*subscription, greeting))
            }
            Ok(Ok(Heard::Refused)) => Err((CloseCode::Policy, "the credentials are refused")),
            // The socket has begun to close with the right code.
            Ok(Ok(Heard::Closed) | Err(_)) => Err((CloseCode::Normal, "")),
            Err(_) => {
                let problem = Problem::unauthenticated(format!("nobody has authenticated within {within:?}"));
                // If that does not get through, the close code says it all.
                let _ = socket.send(self.dialect.problem(problem)).await;
                Err((CloseCode::Policy, "nobody has authenticated"))
            }
        }
    }

    async fn hear<S>(&mut self, socket: &mut Socket<S>) -> Result<Heard, SocketError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(incoming) = socket.recv().await {
            let incoming = incoming?;
            let text = match &incoming {
                Incoming::Text(text) | Incoming::Binary(text) => std::str::from_utf8(text),
            };
            let (id, result) = match Command::parse(text.unwrap_or_default()) {
                Ok(Command { id, action: CommandAction::Authenticate(command) }) => {
                    (id, self.authenticate(command.token).await)
                }
                Ok(Command { id, .. }) => {
                    let problem = Problem::unauthenticated("the first command here is authenticate");
                    socket.send(error(id, problem)).await?;
                    continue;
                }
                Err(failed) => {
                    socket.send(error(failed.id, *failed.problem)).await?;
                    continue;
                }
            };
            match result {
                Ok((grant, subscription)) => {
                    let reply = Reply::authenticated(id, grant.subject(), grant.expires(), None);
                    socket.send(framing::reply(&reply)).await?;
                    return Ok(Heard::Admitted(Box::new(subscription)));
                }
                Err(problem) => {
                    let is_final = matches!(problem.remedy, Remedy::Reauthenticate | Remedy::GiveUp);
                    socket.send(error(id, problem)).await?;
                    if is_final {
                        return Ok(Heard::Refused);
                    }
                }
            }
        }
        Ok(Heard::Closed)
    }

    async fn authenticate(&mut self, token: String) -> Result<(Grant, Subscription), Problem> {
        let asker: Arc<Asker> = self.asker_with(token);
        let grant = ask(&self.hub, &asker, Action::Subscribe, Vec::new()).await?;
        let followed = with_own(Vec::new(), &grant);
        let subscription = self.hub.subscribe(&grant, LABEL, followed, Since::Latest).await;
        let subscription = subscription.map_err(subscribe_problem)?;
        self.asker = asker;
        Ok((grant, subscription))
    }
}

/// What came of waiting.
enum Heard {
    Admitted(Box<Subscription>),
    Refused,
    Closed,
}

fn error(id: Option<CommandId>, problem: Problem) -> Frame {
    framing::reply(&Reply::Error { id, problem: Box::new(problem) })
}
