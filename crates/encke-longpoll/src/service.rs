use std::time::Duration;

use encke_core::{Limit, Since};
use encke_http::{Body, Endpoint, Origins, end_problem, follow};
use encke_hub::{End, Hub, Subscription};
use encke_wire::Problem;
use http::{Method, Response, request::Parts};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{LongPollConfig, framing::Outcome, request::LongPollRequest};

/// The word by which its readers are counted.
const LABEL: &str = "longpoll";

/// How long one is held who comes to a node that is being drained and has nothing for him.
const LATE_PAUSE: Duration = Duration::from_secs(1);

/// Long polling as a service.
pub type LongPollService = encke_http::Service<LongPoll>;

/// Holds a request until there is something to answer.
#[derive(Debug)]
pub struct LongPoll {
    hub: Hub,
    config: LongPollConfig,
}

impl LongPoll {
    /// The service that holds requests to `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: LongPollConfig) -> LongPollService {
        LongPollService::new(Self { hub, config })
    }
}

impl Endpoint for LongPoll {
    const METHODS: &'static [Method] = &[Method::GET];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B: Send>(&self, mut parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let LongPollRequest { pull, wait, linger } = LongPollRequest::read(&self.config, &parts)?;
        pull.distrust(&mut parts);
        let since = pull.since.unwrap_or(Since::Latest);
        let source = self.config.pull.source();
        let mut subscription =
            follow(&self.hub, &parts, LABEL, source, pull.selectors.clone(), since).await?;
        subscription.keep_lease();
        let one = self.config.one;
        let limit = if one { Limit { messages: 1, ..pull.limit } } else { pull.limit };
        let hold = Hold { subscription, limit, one, late: self.hub.is_draining() };
        Ok(hold.run(jitter(wait), linger).await?.into_response(&pull, &self.config))
    }
}

/// Requests that were sent together should not come back together.
fn jitter(wait: Duration) -> Duration {
    wait.mul_f64(1.0 - 0.1 * fastrand::f64())
}

/// One held request. Dropping it, as happens when the client goes away, frees everything at once.
struct Hold {
    subscription: Subscription,
    limit: Limit,
    one: bool,
    /// Whether it began when the node was being drained already.
    late: bool,
}

impl Hold {
    async fn run(mut self, wait: Duration, linger: Duration) -> Result<Outcome, Problem> {
        let until = Instant::now() + wait;
        let mut gaps = Vec::new();
        loop {
            match timeout_at(until, self.subscription.next(self.limit)).await {
                Ok(Ok(mut batch)) => {
                    gaps.append(&mut batch.gaps);
                    // A gap is an answer, but not where an answer is a message.
                    if self.one && batch.messages.is_empty() {
                        continue;
                    }
                    batch.gaps = gaps;
                    if !linger.is_zero() && !batch.more {
                        sleep(linger).await;
                        let limit = Limit {
                            messages: self.limit.messages.saturating_sub(batch.messages.len()),
                            ..self.limit
                        };
                        if limit.messages > 0 {
                            let mut burst = self.subscription.read(limit).await.map_err(end_problem)?;
                            batch.gaps.append(&mut burst.gaps);
                            batch.messages.append(&mut burst.messages);
                            batch.cursor = burst.cursor;
                        }
                    }
                    return Ok(Outcome { batch, leave: false });
                }
                Ok(Err(End::Drained { .. })) => {
                    // A page cannot see that it should leave, and asks again at once: not more than once a second.
                    if self.late {
                        sleep_until(until.min(Instant::now() + LATE_PAUSE)).await;
                    }
                    let mut batch = self.subscription.read(self.limit).await.map_err(end_problem)?;
                    gaps.append(&mut batch.gaps);
                    batch.gaps = gaps;
                    return Ok(Outcome { batch, leave: true });
                }
                Ok(Err(end)) => return Err(end_problem(end)),
                // The last look also brings the place up to date, however quiet the channels are.
                Err(_) => {
                    let mut batch = self.subscription.read(self.limit).await.map_err(end_problem)?;
                    gaps.append(&mut batch.gaps);
                    batch.gaps = gaps;
                    return Ok(Outcome { batch, leave: false });
                }
            }
        }
    }
}
