use std::sync::Arc;

use encke_core::{Cursor, Message, Publish, Selector, Since};
use encke_http::{ask, members, since, store, subscribe_problem};
use encke_hub::{Action, Asker, Hub, Rate, Subscription};
use encke_wire::{
    Command, CommandAction, CommandId, Problem, Receipt, Reply, SubscribeCommand, UnsubscribeCommand,
    publish, selectors,
};
use governor::{
    DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::{Dialect, Frame, Incoming, Input, eventtube, framing};

/// What a connection's client may ask for, and what is done about it.
pub(crate) struct Commands {
    pub(crate) hub: Hub,
    /// Who he is; he may become somebody by a command.
    pub(crate) asker: Arc<Asker>,
    pub(crate) dialect: Dialect,
    /// The channels of the route, which plain data goes to.
    pub(crate) selectors: Vec<Selector>,
    pub(crate) meter: Meter,
}

/// How often a client may still send something.
pub(crate) struct Meter(Option<Box<DefaultDirectRateLimiter>>);

impl Meter {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let quota = |rate: Rate| Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self(rate.map(|rate| Box::new(RateLimiter::direct(quota(rate)))))
    }

    fn take(&self) -> Result<(), Problem> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        let refused = |until: NotUntil<_>| {
            let retry = until.wait_time_from(DefaultClock::default().now());
            Problem::too_many("you send commands too often").after(retry)
        };
        limiter.check().map_err(refused)
    }
}

impl Commands {
    /// Does what a frame asks for; returns what is answered, if anything.
    pub(crate) async fn take(
        &mut self,
        incoming: Incoming,
        subscription: &mut Subscription,
    ) -> Option<Frame> {
        let done = match (&self.dialect, incoming) {
            (Dialect::Native { input: Input::Ignore, .. }, _) => Ok(()),
            (Dialect::Native { input: Input::Publish, .. }, incoming) => {
                self.publish_data(incoming).await.map(drop)
            }
            (
                Dialect::Native { input: Input::Commands { .. }, .. } | Dialect::EventTube { .. },
                Incoming::Binary(_),
            ) => Err(Problem::bad_request("commands are JSON in text frames")),
            (Dialect::Native { input: Input::Commands { publish }, .. }, Incoming::Text(text)) => {
                return Some(framing::reply(&self.command(&text, *publish, subscription).await));
            }
            (Dialect::EventTube { broadcast, publish }, Incoming::Text(text)) => match self.meter.take() {
                Ok(()) => eventtube::obey(self, &text, broadcast, *publish, subscription).await,
                Err(problem) => Err(problem),
            },
        };
        done.err().map(|problem| self.dialect.problem(problem))
    }

    async fn command(&mut self, text: &[u8], may_publish: bool, subscription: &mut Subscription) -> Reply {
        let text = std::str::from_utf8(text).unwrap_or_default();
        let (id, result) = match Command::parse(text) {
            Err(error) => (error.id, Err(*error.problem)),
            Ok(Command { id, action }) => {
                let result = self.act(id.clone(), action, may_publish, subscription).await;
                (id, result)
            }
        };
        result.unwrap_or_else(|problem| Reply::Error { id, problem: Box::new(problem) })
    }

    async fn act(
        &mut self,
        id: Option<CommandId>,
        action: CommandAction<'_>,
        may_publish: bool,
        subscription: &mut Subscription,
    ) -> Result<Reply, Problem> {
        self.meter.take()?;
        match action {
            CommandAction::Subscribe(SubscribeCommand { channels, since: begin }) => {
                let selectors = selectors(&channels)?;
                let begin = begin.as_deref().map(since).transpose()?.unwrap_or(Since::Latest);
                let cursor = self.subscribe(selectors, begin, subscription).await?;
                Ok(Reply::Subscribed { id, cursor: Some(cursor.to_string()), streams: None })
            }
            CommandAction::Unsubscribe(UnsubscribeCommand { channels }) => {
                for selector in selectors(&channels)? {
                    unsubscribe(&selector, subscription)?;
                }
                Ok(Reply::Unsubscribed { id, streams: None })
            }
            CommandAction::Publish(command) => {
                allowed(may_publish)?;
                let receipt = self.store(command.into_publish(&[])?).await?;
                Ok(Reply::Published { id, receipt })
            }
            CommandAction::Presence(command) => {
                let members = members(&self.hub, &self.asker, &command).await?;
                Ok(Reply::Presence { id, members })
            }
            CommandAction::Authenticate(command) => {
                let asker = self.asker_with(command.token);
                let followed = subscription.selectors().collect();
                let grant = ask(&self.hub, &asker, Action::Subscribe, followed).await?;
                subscription.renew(&grant).map_err(subscribe_problem)?;
                self.asker = asker;
                Ok(Reply::authenticated(id, grant.subject(), grant.expires(), None))
            }
            CommandAction::Ping => Ok(Reply::Pong { id, cursor: Some(subscription.cursor().to_string()) }),
            _ => Err(Problem::bad_request("this command is not known here")),
        }
    }

    async fn publish_data(&self, incoming: Incoming) -> Result<Receipt, Problem> {
        self.meter.take()?;
        let message = match incoming {
            Incoming::Text(text) => match encke_wire::json_of(text.clone()) {
                Ok(json) => json,
                Err(_) => Message::utf8(text).unwrap_or_else(Message::binary),
            },
            Incoming::Binary(data) => Message::binary(data),
        };
        let channels = self.selectors.iter().map(|selector| match selector {
            Selector::Channel(name) => Ok(name.clone()),
            Selector::Pattern(_) => Err(Problem::bad_channel("a message goes to channels, not to a pattern")),
        });
        let channels = channels.collect::<Result<Vec<_>, _>>()?;
        self.store(publish(&channels, message, None, None)?).await
    }

    pub(crate) async fn subscribe(
        &self,
        selectors: Vec<Selector>,
        since: Since,
        subscription: &mut Subscription,
    ) -> Result<Cursor, Problem> {
        let grant = ask(&self.hub, &self.asker, Action::Subscribe, selectors.clone()).await?;
        subscription.follow(&grant, selectors, since).await.map_err(subscribe_problem)
    }

    pub(crate) async fn store(&self, publish: Publish) -> Result<Receipt, Problem> {
        store(&self.hub, &self.asker, publish).await
    }

    /// The same client with this token instead.
    pub(crate) fn asker_with(&self, token: String) -> Arc<Asker> {
        Arc::new(Asker::clone(&self.asker).with_token(token))
    }
}

pub(crate) fn unsubscribe(selector: &Selector, subscription: &mut Subscription) -> Result<(), Problem> {
    if subscription.unfollow(selector) {
        Ok(())
    } else {
        Err(Problem::not_found(format!("{selector} is not followed here")))
    }
}

pub(crate) fn allowed(may_publish: bool) -> Result<(), Problem> {
    if may_publish { Ok(()) } else { Err(Problem::forbidden("publishing is not allowed from this address")) }
}
