use bytes::Bytes;
use encke_core::{Publish as Message, Selector};
use encke_http::{Body, Endpoint, Origins, authorize, publish_problem};
use encke_hub::{Action, Hub};
use encke_wire::{Problem, PublishCommand, Receipt};
use http::{HeaderValue, Method, Response, header, request::Parts};
use http_body::Body as HttpBody;

use crate::{
    PublishConfig,
    request::{PublishRequest, is_batch, read_body},
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

    async fn publish(&self, parts: &Parts, message: Message) -> Result<Receipt, Problem> {
        let selectors = message.channels().iter().cloned().map(Selector::Channel).collect();
        let grant = authorize(&self.hub, parts, Action::Publish, selectors).await?;
        let appended = self.hub.publish(&grant, message).await;
        appended.map(Receipt::from).map_err(publish_problem)
    }

    /// Publishes line by line: each has its own result, in the order of the lines.
    async fn publish_batch(
        &self,
        parts: &Parts,
        request: &PublishRequest,
        body: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let lines = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let limit = self.config.batch;
        if lines.is_empty() || lines.len() > limit {
            return Err(Problem::bad_request(format!("a batch has 1 to {limit} lines, each a JSON object")));
        }
        let mut out = b"{\"results\":[".to_vec();
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let message = PublishCommand::parse(line);
            let message = message.and_then(|command| command.into_publish(&request.channels));
            let result = match message {
                Ok(message) => self.publish(parts, message).await,
                Err(problem) => Err(problem),
            };
            match result {
                Ok(receipt) => out.append(&mut receipt.to_json()),
                Err(problem) => out.append(&mut problem.to_json()),
            }
        }
        out.extend_from_slice(b"]}");
        Ok(out)
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
        let json = if batch {
            self.publish_batch(&parts, &request, &body).await?
        } else {
            let untyped = self.config.content_type.as_deref();
            self.publish(&parts, request.message(&parts.headers, untyped, body)?).await?.to_json()
        };
        let mut response = Response::new(Body::from(json));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}
