use std::sync::Arc;

use bytes::Bytes;
use encke_http::{Body, Endpoint, Origins, asker, read_body, store, store_all};
use encke_hub::{Asker, Hub};
use encke_wire::{Problem, PublishCommand};
use http::{Method, Response, request::Parts};
use http_body::Body as HttpBody;

use crate::{
    PublishConfig,
    request::{PublishRequest, batch_of, is_batch, json, lines},
};

/// Publishing as a service.
pub type PublishService = encke_http::Service<Publish>;

/// Takes messages by POST.
#[derive(Debug)]
pub struct Publish {
    hub: Hub,
    config: PublishConfig,
}

impl Publish {
    /// The service that publishes to `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: PublishConfig) -> PublishService {
        PublishService::new(Self { hub, config })
    }

    /// Publishes line by line: each has its own result, in the order of the lines.
    async fn publish_batch(
        &self,
        asker: &Arc<Asker>,
        request: &PublishRequest,
        body: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        let publish = |line| PublishCommand::parse(line)?.into_publish(&request.channels);
        let publishes = lines(body, self.config.batch)?.into_iter().map(publish).collect();
        let results = store_all(&self.hub, asker, publishes).await.into_iter();
        let results = results
            .map(|result| result.map_or_else(|problem| problem.to_json(), |receipt| receipt.to_json()));
        Ok(batch_of(&results.collect::<Vec<_>>()))
    }
}

impl Endpoint for Publish {
    const METHODS: &'static [Method] = &[Method::POST];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B>(&self, parts: Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: HttpBody<Data: Send, Error: Send> + Send + 'static,
    {
        let request = PublishRequest::read(&self.config, &parts)?;
        let batch = is_batch(&parts.headers);
        if request.channels.is_empty() && !batch {
            return Err(Problem::bad_request(self.config.channels.hint()));
        }
        let message_bytes = self.hub.config().message_bytes;
        // A line of a batch has its own limit when it is published; this one bounds what is gathered.
        let limit = if batch { message_bytes.saturating_mul(self.config.batch) } else { message_bytes };
        let body: Bytes = read_body(&parts, body, limit, self.config.body).await?;
        let asker = Arc::new(asker(&self.hub, &parts)?);
        Ok(json(if batch {
            self.publish_batch(&asker, &request, &body).await?
        } else {
            let untyped = self.config.content_type.as_deref();
            let message = request.message(&parts.headers, untyped, body)?;
            store(&self.hub, &asker, message).await?.to_json()
        }))
    }
}
