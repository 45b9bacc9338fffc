use std::sync::Arc;

use encke_core::Selector;
use encke_http::{Body, Endpoint, Origins, ask, asker, members, read_body, store, subscribe_problem};
use encke_hub::{Action, Asker, Grant, Hub};
use encke_wire::{
    Command, CommandAction, CommandError, CommandId, Problem, Reply, SubscribeCommand, selectors,
};
use http::{Method, Response, request::Parts};
use http_body::Body as HttpBody;

use crate::{
    CommandsConfig,
    request::{batch_of, is_batch, json, lines},
};

/// A command is let in with so many bytes, however small a message has to be: there are names and tokens in it.
const COMMAND: usize = 16 << 10;

/// Commands as a service.
pub type CommandsService = encke_http::Service<Commands>;

/// Takes the commands of clients by POST: the other half of transports that only deliver.
#[derive(Debug)]
pub struct Commands {
    hub: Hub,
    config: CommandsConfig,
}

impl Commands {
    /// The service that obeys clients of `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: CommandsConfig) -> CommandsService {
        CommandsService::new(Self { hub, config })
    }
}

impl Endpoint for Commands {
    const METHODS: &'static [Method] = &[Method::POST];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B>(&self, parts: Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: HttpBody<Data: Send, Error: Send> + Send + 'static,
    {
        let asker = Arc::new(asker(&self.hub, &parts)?);
        let mut client = Client { hub: &self.hub, asker, publish: self.config.publish };
        let largest = self.hub.config().message_bytes.max(COMMAND);
        if !is_batch(&parts.headers) {
            let body = read_body(&parts, body, largest, self.config.body).await?;
            return match client.reply(&body).await {
                Reply::Error { problem, .. } => Err(*problem),
                reply => Ok(json(reply.to_json().into())),
            };
        }
        let limit = largest.saturating_mul(self.config.batch);
        let body = read_body(&parts, body, limit, self.config.body).await?;
        let mut replies = Vec::new();
        for line in lines(&body, self.config.batch)? {
            replies.push(client.reply(line).await.to_json().into());
        }
        Ok(json(batch_of(&replies)))
    }
}

/// One who gives commands.
struct Client<'a> {
    hub: &'a Hub,
    asker: Arc<Asker>,
    publish: bool,
}

impl Client<'_> {
    async fn reply(&mut self, text: &[u8]) -> Reply {
        let command = match std::str::from_utf8(text) {
            Ok(text) => Command::parse(text),
            Err(_) => {
                Err(CommandError { id: None, problem: Box::new(Problem::bad_request("a command is UTF-8")) })
            }
        };
        let (id, result) = match command {
            Err(CommandError { id, problem }) => return Reply::Error { id, problem },
            Ok(Command { id, action }) => (id.clone(), self.obey(id, action).await),
        };
        result.unwrap_or_else(|problem| Reply::Error { id, problem: Box::new(problem) })
    }

    async fn obey(&mut self, id: Option<CommandId>, action: CommandAction<'_>) -> Result<Reply, Problem> {
        match action {
            CommandAction::Subscribe(SubscribeCommand { channels, since }) => {
                if since.is_some_and(|since| since != "latest") {
                    let detail = "a live stream follows more from now on; open it again to begin earlier";
                    return Err(Problem::bad_since(detail));
                }
                let selectors = selectors(&channels)?;
                let grant = self.owner(selectors.clone()).await?;
                let streams = self.hub.follow_own(&grant, &selectors).map_err(subscribe_problem)?;
                Ok(Reply::Subscribed { id, cursor: None, streams: Some(some(streams)?) })
            }
            CommandAction::Unsubscribe(command) => {
                let selectors = selectors(&command.channels)?;
                let grant = self.owner(selectors.clone()).await?;
                let streams = self.hub.unfollow_own(&grant, &selectors).map_err(subscribe_problem)?;
                Ok(Reply::Unsubscribed { id, streams: Some(some(streams)?) })
            }
            CommandAction::Publish(_) if !self.publish => {
                Err(Problem::forbidden("publishing is not allowed from this address"))
            }
            CommandAction::Publish(command) => {
                let receipt = store(self.hub, &self.asker, command.into_publish(&[])?).await?;
                Ok(Reply::Published { id, receipt })
            }
            CommandAction::Presence(command) => {
                let members = members(self.hub, &self.asker, &command).await?;
                Ok(Reply::Presence { id, members })
            }
            CommandAction::Authenticate(command) => {
                let asker = Arc::new(Asker::clone(&self.asker).with_token(command.token));
                let mut grant = ask(self.hub, &asker, Action::Subscribe, Vec::new()).await?;
                let followed = self.hub.followed_own(&grant);
                if !followed.is_empty() {
                    // Some say of all that they allow, others of no more than was asked.
                    grant = ask(self.hub, &asker, Action::Subscribe, followed).await?;
                }
                let streams = self.hub.renew(&grant);
                self.asker = asker;
                Ok(Reply::authenticated(id, grant.subject(), grant.expires(), Some(streams)))
            }
            CommandAction::Ping => Ok(Reply::Pong { id, cursor: None }),
            _ => Err(Problem::bad_request("this command is not known here")),
        }
    }

    /// Whose streams are to be changed.
    async fn owner(&self, selectors: Vec<Selector>) -> Result<Grant, Problem> {
        let grant = ask(self.hub, &self.asker, Action::Subscribe, selectors).await?;
        if grant.subject().is_none() || grant.asker().client.is_none() {
            return Err(Problem::forbidden(
                "whose stream it is shows by credentials with a subject and by the client's name \
                 (Encke-Client, or ?client=), the same as the stream's",
            ));
        }
        Ok(grant)
    }
}

fn some(streams: usize) -> Result<usize, Problem> {
    if streams == 0 {
        return Err(Problem::not_found(
            "this client has no such live stream: open one, or open it again with the channels that it is to have",
        ));
    }
    Ok(streams)
}
