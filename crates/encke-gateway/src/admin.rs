//! Where the gateway is administered: a page, and below it the API that it is made with.

use std::sync::Arc;

use encke_admin::{Admin, AdminConfig, AdminService, Fact};
use encke_hub::Hub;
use tokio::sync::Notify;

use crate::{
    admission::Admission,
    authorizers::{AuthorizerError, of_admin},
    config::{self, Config},
    told::Told,
};

/// The API of the administration of `hub`; `drain` is told when somebody asks for it there.
pub(crate) fn api(
    hub: &Hub,
    admin: &config::Admin,
    config: &Config,
    drain: Arc<Notify>,
    facts: impl Fn() -> Vec<(String, Fact)> + Send + Sync + 'static,
) -> Result<AdminService, AuthorizerError> {
    let options = AdminConfig::default()
        .prefix(admin.api_path())
        .batch(config.limits.batch)
        .body(config.limits.body)
        .drain(move || drain.notify_one())
        .facts(facts);
    Ok(Admin::service(hub.with_authorizer(of_admin(admin)?), options))
}

/// What the process knows of itself, beside what the hub knows.
pub(crate) fn facts(admission: &Admission, limits: [usize; 2], told: &Told) -> Vec<(String, Fact)> {
    let number = |number: usize| Fact::from(number as u64);
    let [connections, bytes] = limits;
    let mut facts = vec![
        ("connections".to_owned(), number(admission.len())),
        ("connections_limit".to_owned(), number(connections)),
        ("retained_bytes_limit".to_owned(), number(bytes)),
    ];
    for webhook in told.webhooks() {
        let (name, state) = (&webhook.config().name, webhook.state());
        facts.push((format!("webhook {name} delivered"), state.delivered.into()));
        facts.push((format!("webhook {name} lag"), number(state.lag)));
        let error = state.last_error.filter(|_| state.failing_since.is_some());
        facts.extend(error.map(|error| (format!("webhook {name} fails"), error.into())));
    }
    facts
}
