use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Body as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{FetchConfig, FetchError, TrustError, trust, url};

/// Bytes of an answer's head.
const HEAD: usize = 32 << 10;

/// Sends requests to other servers. Clones share their connections.
#[derive(Clone)]
pub struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    free: Arc<Semaphore>,
    config: FetchConfig,
}

impl Fetcher {
    /// A fetcher with these limits. It reads the system's certificates.
    ///
    /// # Errors
    /// [`TrustError`] if the certificates to trust cannot be.
    pub fn new(config: FetchConfig) -> Result<Self, TrustError> {
        let tls = trust::tls(config.trusted.as_deref())?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.deadline));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle)
            .pool_max_idle_per_host(config.kept)
            .http1_max_buf_size(HEAD)
            .build(connector);
        let free = Arc::new(Semaphore::new(config.requests.min(Semaphore::MAX_PERMITS)));
        Ok(Self { client, free, config })
    }

    /// Sends `request`, whose URI names the server, and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`FetchError`] says why there is none.
    pub async fn fetch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        url::check(request.uri()).map_err(FetchError::Url)?;
        match timeout(self.config.deadline, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(FetchError::Deadline),
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let _permit = self.free.acquire().await.map_err(|closed| FetchError::broken(&closed))?;
        let answer = self.client.request(request.map(Full::new)).await.map_err(|error| {
            if error.is_connect() { FetchError::connect(&error) } else { FetchError::broken(&error) }
        })?;
        let (head, body) = answer.into_parts();
        let limit = self.config.answer_bytes;
        // What the server says it will send needs not be waited for.
        if body.size_hint().lower() > limit as u64 {
            return Err(FetchError::TooLarge { limit });
        }
        match Limited::new(body, limit).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge { limit }),
            Err(error) => Err(FetchError::broken(&*error)),
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("config", &self.config).finish_non_exhaustive()
    }
}
