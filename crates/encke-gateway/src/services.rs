//! From the configuration of a route to the service that answers it.

use encke_admin::AdminService;
use encke_http::{Callback, ChannelSource, Origins, Payload, PullConfig, StreamConfig};
use encke_hub::Hub;
use encke_iframe::{Iframe, IframeConfig, IframeService};
use encke_longpoll::{LongPoll, LongPollConfig, LongPollService};
use encke_poll::{Poll, PollConfig, PollService};
use encke_publish::{
    Channels, ChannelsService, Commands, CommandsConfig, CommandsService, Publish, PublishConfig,
    PublishService,
};
use encke_sdk::{Sdk, SdkService};
use encke_sse::{Sse, SseConfig, SseService};
use encke_wire::message_of;
use encke_ws::{Dialect, Input, SocketLimits, Ws, WsConfig, WsService};

use crate::{
    config::{self, Access, Answer, Config, Incoming, Order, Route, RouteKind},
    proxy::Address,
};

/// What answers the requests of a route.
#[derive(Clone)]
pub(crate) enum Target {
    Poll(PollService),
    LongPoll(LongPollService),
    Sse(SseService),
    Iframe(IframeService),
    Ws(ByAddress<WsService>),
    Publish(PublishService),
    Commands(ByAddress<CommandsService>),
    Channels(ChannelsService),
    Sdk(SdkService),
    Health,
    Ready,
    Metrics,
    Page,
    AdminPage,
    Admin(AdminService),
}

/// One route for those who may publish and for those who may not, which the address decides.
#[derive(Clone)]
pub(crate) struct ByAddress<S> {
    publishers: Access,
    publishing: S,
    listening: S,
}

impl<S> ByAddress<S> {
    /// What `service` makes for those who may publish and for those who may not.
    fn new(publishers: Access, service: impl Fn(bool) -> S) -> Self {
        Self { publishers, publishing: service(true), listening: service(false) }
    }

    /// The one for whoever comes from there.
    pub(crate) fn of(self, from: Address) -> S {
        if from.is_admitted(&self.publishers) { self.publishing } else { self.listening }
    }
}

impl Target {
    pub(crate) fn new(hub: &Hub, config: &Config, route: &Route) -> Self {
        let hub = hub.clone();
        let origins = origins(&route.origins);
        match &route.kind {
            RouteKind::Poll(poll) => {
                let pull = PullConfig::default()
                    .channels(channels(&poll.channel))
                    .payload(payload(poll.payload))
                    .cursor_field(poll.cursor_field.as_ref().map(|name| name.as_str().to_owned()))
                    .cookie(poll.cookie)
                    .jsonp(poll.jsonp);
                let newest_first = poll.order == Order::Descending;
                let config = PollConfig::default().pull(pull).origins(origins).newest_first(newest_first);
                Self::Poll(Poll::service(hub, config))
            }
            RouteKind::Longpoll(longpoll) => {
                let config = long_poll(longpoll).origins(origins);
                Self::LongPoll(LongPoll::service(hub, config))
            }
            RouteKind::Sse(sse) => {
                let config = SseConfig::default()
                    .channels(channels(&sse.channel))
                    .origins(origins)
                    .payload(payload(sse.payload))
                    .stream(stream(&sse.stream))
                    .retry(sse.stream.retry);
                Self::Sse(Sse::service(hub, config))
            }
            RouteKind::Iframe(iframe) => {
                let config = IframeConfig::default()
                    .channels(channels(&iframe.channel))
                    .origins(origins)
                    .payload(payload(iframe.payload))
                    .stream(stream(&iframe.stream))
                    // The configuration allows exactly what is a callback.
                    .callback(Callback::new(iframe.callback.as_str()).ok())
                    .parents(iframe.post_message.iter().map(config::WebOrigin::as_str));
                Self::Iframe(Iframe::service(hub, config))
            }
            RouteKind::Ws(ws) => Self::Ws(web_socket(&hub, config, ws, &origins)),
            RouteKind::Publish(publish) => {
                let config = PublishConfig::default()
                    .channels(channels(&publish.channel))
                    .origins(origins)
                    .batch(config.limits.batch)
                    .body(config.limits.body)
                    .content_type(publish.content_type.as_ref().map(|kind| kind.as_str().to_owned()));
                Self::Publish(Publish::service(hub, config))
            }
            RouteKind::Commands { publishers } => {
                let service = |publish| {
                    let config = CommandsConfig::default()
                        .origins(origins.clone())
                        .batch(config.limits.batch)
                        .body(config.limits.body)
                        .publish(publish);
                    Commands::service(hub.clone(), config)
                };
                Self::Commands(ByAddress::new(publishers.clone(), service))
            }
            RouteKind::Channels(source) => {
                Self::Channels(Channels::service(hub, source.as_ref().map(channels), origins))
            }
            RouteKind::Sdk => Self::Sdk(Sdk::service()),
            RouteKind::Health => Self::Health,
            RouteKind::Ready => Self::Ready,
            RouteKind::Metrics => Self::Metrics,
            RouteKind::Page => Self::Page,
        }
    }
}

fn long_poll(longpoll: &config::Longpoll) -> LongPollConfig {
    let pull = PullConfig::default().channels(channels(&longpoll.channel)).cookie(longpoll.cookie);
    let config = LongPollConfig::default().wait(longpoll.wait);
    match &longpoll.answer {
        Answer::One { empty } => {
            let empty = empty.as_ref().map(|body| body.as_str().to_owned().into());
            // Without a media type every text is a message.
            config.pull(pull).one(true).empty(empty.and_then(|body| message_of(None, body).ok()))
        }
        Answer::Batch { payload: shown, cursor_field, linger, jsonp } => {
            let cursor_field = cursor_field.as_ref().map(|name| name.as_str().to_owned());
            let pull = pull.payload(payload(*shown)).cursor_field(cursor_field).jsonp(*jsonp);
            config.pull(pull).linger(*linger)
        }
    }
}

fn web_socket(hub: &Hub, config: &Config, ws: &config::Ws, origins: &Origins) -> ByAddress<WsService> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let limits = SocketLimits::default()
        .message(usize::try_from(config.limits.message.as_u64()).unwrap_or(usize::MAX))
        .fragments(number(config.ws.fragments))
        .message_time(config.ws.fragment_time)
        .control_frames(number(config.ws.controls_per_second), number(config.ws.controls_burst))
        .ping_after(config.ws.ping)
        .pong_within(config.ws.pong)
        .write_stall(config.limits.write_stall);
    let service = |dialect: Dialect| {
        let options = WsConfig::default()
            .dialect(dialect)
            .origins(origins.clone())
            .limits(limits)
            .heartbeat(ws.stream.heartbeat)
            .age(ws.stream.age)
            .rate(config.limits.rate(config.ws.commands_per_second));
        Ws::service(hub.clone(), options)
    };
    match &ws.dialect {
        config::Dialect::Native { channel, payload: shown, incoming } => {
            let native = |input| {
                service(Dialect::Native { channels: channels(channel), payload: payload(*shown), input })
            };
            match incoming {
                Incoming::Commands { publishers } => {
                    ByAddress::new(publishers.clone(), |publish| native(Input::Commands { publish }))
                }
                Incoming::Publish => ByAddress::new(Access::all(), |_| native(Input::Publish)),
                Incoming::Ignore => ByAddress::new(Access::all(), |_| native(Input::Ignore)),
            }
        }
        config::Dialect::EventTube { broadcast, publishers } => {
            ByAddress::new(publishers.clone(), |publish| {
                service(Dialect::EventTube { broadcast: broadcast.clone(), publish })
            })
        }
    }
}

fn channels(source: &config::ChannelSource) -> ChannelSource {
    match source {
        config::ChannelSource::Query(name) => ChannelSource::Query(name.as_str().to_owned()),
        config::ChannelSource::Segment => ChannelSource::Path,
        config::ChannelSource::Header(name) => ChannelSource::Header(name.clone()),
        config::ChannelSource::Fixed(selectors) => ChannelSource::Fixed(selectors.clone()),
    }
}

fn payload(payload: config::Payload) -> Payload {
    match payload {
        config::Payload::Envelope => Payload::Envelope,
        config::Payload::Data => Payload::Data,
    }
}

fn stream(stream: &config::Stream) -> StreamConfig {
    StreamConfig { heartbeat: stream.heartbeat, age: stream.age, bytes: stream.bytes.as_u64() }
}

fn origins(origins: &config::Origins) -> Origins {
    Origins::allow(origins.0.iter().map(|origin| match origin {
        config::AllowedOrigin::Any => "*",
        config::AllowedOrigin::Null => "null",
        config::AllowedOrigin::Exact(origin) => origin.as_str(),
    }))
}
