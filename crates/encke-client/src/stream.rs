//! Answers that do not end: event streams, frames and sockets.

use std::{collections::VecDeque, time::Duration};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    ClientError,
    ask::Heard,
    http1::{Connection, Exchange, cut},
    iframe, sse,
    ws::Socket,
};

/// Something that is read until it ends.
pub(crate) enum Stream {
    Body { body: Body, parser: Parser },
    Socket(Socket),
}

pub(crate) enum Parser {
    Events(sse::Parser),
    Pushes(iframe::Parser),
}

/// The body of a stream, and its connection, which lives as long.
pub(crate) struct Body {
    incoming: Incoming,
    _connection: Connection,
}

impl Stream {
    pub(crate) fn events(exchange: Exchange, limit: usize) -> Self {
        Self::body(exchange, Parser::Events(sse::Parser::new(limit)))
    }

    pub(crate) fn pushes(exchange: Exchange, limit: usize) -> Self {
        Self::body(exchange, Parser::Pushes(iframe::Parser::new(limit)))
    }

    fn body(exchange: Exchange, parser: Parser) -> Self {
        let body = Body { incoming: exchange.response.into_body(), _connection: exchange.connection };
        Self::Body { body, parser }
    }

    /// Waits for the next bytes, at most `silence`, and adds what they say to `heard`. False at an end that was
    /// meant. Nothing is lost when it is dropped before it is ready.
    pub(crate) async fn read(
        &mut self,
        silence: Duration,
        heard: &mut VecDeque<Heard>,
    ) -> Result<bool, ClientError> {
        let silent = |_| ClientError::Silent(silence);
        match self {
            Self::Socket(socket) => timeout(silence, socket.read(heard)).await.map_err(silent)?,
            Self::Body { body, parser } => {
                match timeout(silence, body.incoming.frame()).await.map_err(silent)? {
                    None => Ok(false),
                    Some(Err(error)) => Err(cut(&error)),
                    Some(Ok(frame)) => {
                        if let Some(bytes) = frame.data_ref() {
                            parser.feed(bytes, heard)?;
                        }
                        Ok(true)
                    }
                }
            }
        }
    }
}

impl Parser {
    fn feed(&mut self, bytes: &[u8], heard: &mut VecDeque<Heard>) -> Result<(), ClientError> {
        match self {
            Self::Events(parser) => {
                let mut events = Vec::new();
                let result = parser.feed(bytes, &mut events);
                for event in events {
                    heard.push_back(match event {
                        sse::Event::Message { data, .. } => Heard::Item(data),
                        sse::Event::Place(token) => Heard::place(&token)?,
                        sse::Event::Retry(retry) => Heard::Retry(retry),
                    });
                }
                Ok(result?)
            }
            Self::Pushes(parser) => {
                let mut pushes = Vec::new();
                let result = parser.feed(bytes, &mut pushes);
                for push in pushes {
                    heard.push_back(match push {
                        iframe::Push::Item(json) => Heard::Item(json),
                        iframe::Push::Place(token) => Heard::place(&token)?,
                        iframe::Push::End(Some(retry)) => Heard::Retry(retry),
                        iframe::Push::End(None) => Heard::Closed("what was allowed has ended".to_owned()),
                    });
                }
                Ok(result?)
            }
        }
    }
}
