use std::{convert::Infallible, future::poll_fn, pin::pin, task::Poll};

use bytes::Bytes;
use encke::{Action, Ask, Cursor, Hub, Publish, Selector, Trusted, http::Body};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::Empty;
use tower_service::Service;

/// Publishes to a hub as whoever runs it, without a gateway before it; returns the message's place.
///
/// # Panics
/// If it is refused.
pub async fn publish(hub: &Hub, publish: Publish) -> Cursor {
    let channels = publish.channels().iter().cloned().map(Selector::Channel).collect();
    let hub = hub.with_authorizer(Trusted);
    let grant = hub.authorize(&Ask::new(Action::Publish, channels)).await.expect("a hub that trusts");
    hub.publish(&grant, publish).await.expect("a message that is accepted").cursor
}

/// Asks a transport without a connection. Of a body that goes on for ever it reads what there is now.
///
/// # Panics
/// If `target` cannot stand in a request.
pub async fn ask<S>(service: &mut S, target: &str) -> Response<Vec<u8>>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<Body>, Error = Infallible>,
{
    let request = Request::get(target).body(Empty::new()).expect("a target that can be asked for");
    let (head, body) = match service.call(request).await {
        Ok(response) => response.into_parts(),
        Err(never) => match never {},
    };
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    poll_fn(|cx| {
        while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(cx) {
            bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        Poll::Ready(())
    })
    .await;
    Response::from_parts(head, bytes)
}
