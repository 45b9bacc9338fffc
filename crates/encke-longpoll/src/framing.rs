use encke_core::{Batch, Delivery};
use encke_http::{Body, Pull};
use http::{HeaderValue, Response, header};

use crate::LongPollConfig;

/// What a hold came to.
pub(crate) struct Outcome {
    pub(crate) batch: Batch,
    /// Whether the client should come back by another connection.
    pub(crate) leave: bool,
}

impl Outcome {
    pub(crate) fn into_response(self, pull: &Pull<'_>, config: &LongPollConfig) -> Response<Body> {
        let mut response = if config.one {
            let message = self.batch.messages.first().map(Delivery::message).or(config.empty.as_ref());
            pull.answer_one(message, &self.batch.gaps, self.batch.cursor)
        } else {
            pull.answer(&self.batch, false)
        };
        if self.leave {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
