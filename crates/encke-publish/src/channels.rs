use encke_core::{ChannelName, Pattern, Selector};
use encke_http::{Body, ChannelSource, Endpoint, Origins, Params, authorize, denied, publish_problem};
use encke_hub::{Action, Hub};
use encke_wire::{ChannelList, ChannelState, Problem};
use http::{Method, Response, StatusCode, request::Parts};

use crate::request::{json, name_of};

/// Channels of one page, at most.
const PAGE: u64 = 1_000;

/// The channels as a service.
pub type ChannelsService = encke_http::Service<Channels>;

/// Shows channels, one or a page of them, and deletes them.
#[derive(Debug)]
pub struct Channels {
    hub: Hub,
    source: Option<ChannelSource>,
    origins: Origins,
}

impl Channels {
    /// The service for the channels of `hub`: for the one that `source` names, or without a source for all of
    /// them.
    #[must_use]
    pub fn service(hub: Hub, source: Option<ChannelSource>, origins: Origins) -> ChannelsService {
        ChannelsService::new(Self { hub, source, origins })
    }

    fn channel(&self, parts: &Parts) -> Result<Option<ChannelName>, Problem> {
        let Some(source) = &self.source else { return Ok(None) };
        let params = Params::parse(parts.uri.query())?;
        let mut selectors = source.selectors(parts, &params)?.into_iter();
        match (selectors.next(), selectors.next()) {
            (Some(selector), None) => name_of(selector).map(Some),
            _ => Err(Problem::bad_request(source.hint())),
        }
    }

    async fn show(&self, parts: &Parts, channel: &ChannelName) -> Result<ChannelState, Problem> {
        let selectors = vec![Selector::Channel(channel.clone())];
        let grant = authorize(&self.hub, parts, Action::Inspect, selectors).await?;
        let info = self.hub.channel(&grant, channel).map_err(denied)?;
        info.map(ChannelState::from).ok_or_else(missing)
    }

    async fn list(&self, parts: &Parts) -> Result<ChannelList, Problem> {
        let params = Params::parse(parts.uri.query())?;
        let pattern = Pattern::new(params.get("pattern").unwrap_or("**"));
        let pattern = pattern.map_err(|error| Problem::bad_channel(error.to_string()))?;
        let limit = params.number("limit", 1, PAGE)?.unwrap_or(100);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let selectors = vec![Selector::Pattern(pattern.clone())];
        let grant = authorize(&self.hub, parts, Action::Inspect, selectors).await?;
        let found = self.hub.channels(&grant, &pattern, params.get("after"), limit).await.map_err(denied)?;
        let channels: Vec<_> = found.into_iter().map(ChannelState::from).collect();
        let full = channels.len() == limit;
        let next = channels.last().filter(|_| full).map(|last| last.channel.clone());
        Ok(ChannelList { channels, next })
    }

    async fn delete(&self, parts: &Parts, channel: &ChannelName) -> Result<(), Problem> {
        let selectors = vec![Selector::Channel(channel.clone())];
        let grant = authorize(&self.hub, parts, Action::Delete, selectors).await?;
        let known = self.hub.delete(&grant, channel).await.map_err(publish_problem)?;
        if known { Ok(()) } else { Err(missing()) }
    }
}

fn missing() -> Problem {
    Problem::not_found("there is no such channel: nobody has published to it or follows it")
}

impl Endpoint for Channels {
    const METHODS: &'static [Method] = &[Method::GET, Method::DELETE];

    fn origins(&self) -> &Origins {
        &self.origins
    }

    async fn answer<B: Send>(&self, parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        Ok(json(match self.channel(&parts)? {
            Some(channel) if parts.method == Method::DELETE => {
                self.delete(&parts, &channel).await?;
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                return Ok(response);
            }
            None if parts.method == Method::DELETE => {
                return Err(Problem::bad_request("name the channel to delete"));
            }
            Some(channel) => self.show(&parts, &channel).await?.to_json(),
            None => self.list(&parts).await?.to_json(),
        }))
    }
}
