use encke_core::Selector;
use encke_wire::Problem;
use http::{HeaderName, request::Parts};

use crate::Params;

/// Where a request says which channels it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelSource {
    /// In a query parameter, which may come several times.
    Query(String),
    /// In the path: whoever routes the request puts it into its extensions as [`PathChannel`].
    Path,
    /// In a header.
    Header(HeaderName),
    /// Nowhere: these are the channels.
    Fixed(Vec<Selector>),
}

impl Default for ChannelSource {
    fn default() -> Self {
        Self::Query("channel".to_owned())
    }
}

/// The channel that a request's path names, decoded: an extension of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChannel(pub String);

impl ChannelSource {
    /// The channels and patterns that a request is about, each once; none if it names none.
    ///
    /// # Errors
    /// [`Problem`] if a name is malformed.
    pub fn selectors(&self, parts: &Parts, params: &Params<'_>) -> Result<Vec<Selector>, Problem> {
        let mut selectors = Vec::new();
        let mut add = |name: &str| {
            let selector = Selector::new(name).map_err(|error| Problem::bad_channel(error.to_string()))?;
            if !selectors.contains(&selector) {
                selectors.push(selector);
            }
            Ok(())
        };
        match self {
            Self::Fixed(fixed) => return Ok(fixed.clone()),
            Self::Query(parameter) => params.all(parameter).try_for_each(add)?,
            Self::Path => match parts.extensions.get::<PathChannel>() {
                Some(channel) => add(&channel.0)?,
                None => return Err(Problem::internal("the route passes no channel from the path")),
            },
            Self::Header(name) => {
                for value in parts.headers.get_all(name) {
                    let text = std::str::from_utf8(value.as_bytes());
                    add(text.map_err(|_| Problem::bad_channel("a channel name is UTF-8"))?)?;
                }
            }
        }
        Ok(selectors)
    }

    /// Says where the channel belongs, for the one who forgot it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Query(parameter) => format!("name a channel: ?{parameter}=news"),
            Self::Path => "name a channel in the path".to_owned(),
            Self::Header(name) => format!("name a channel in the header {name}"),
            Self::Fixed(_) => "the route names no channel".to_owned(),
        }
    }
}
