use std::{borrow::Cow, sync::Arc};

use encke_core::{Pattern, Selector};
use encke_http::{
    Body, Endpoint, Origins, Params, ask, asker, decode, denied, method_not_allowed, read_body,
};
use encke_hub::{Action, Ask, Asker, Grant, Hub, Trusted};
use encke_wire::Problem;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;

use crate::{
    AdminConfig,
    call::{Call, Shared},
    input::Texts,
    openapi,
    table::{Operation, Table},
};

/// Bytes of a body beside the messages in it.
const BODY: usize = 64 << 10;

/// The administration as a service.
pub type AdminService = encke_http::Service<Admin>;

/// Shows what there is on a node, and does something about it.
pub struct Admin {
    /// Asks whoever decides who may administer.
    hub: Hub,
    operations: Vec<Operation>,
    shared: Arc<Shared>,
}

impl Admin {
    /// The service for `hub`, whose authorizer decides who may administer.
    #[must_use]
    pub fn service(hub: Hub, config: AdminConfig) -> AdminService {
        let mut table = operations();
        let document = openapi::document(&mut table, &config);
        let shared = Arc::new(Shared { trusted: hub.with_authorizer(Trusted), config, document });
        AdminService::new(Self { hub, operations: table.operations, shared })
    }

    /// The methods and paths of all operations, as the document has them: `GET` and `/channels/{name}`.
    #[must_use]
    pub fn operations() -> Vec<(Method, String)> {
        let operations = operations().operations.into_iter();
        operations.map(|operation| (operation.method, format!("/{}", operation.path))).collect()
    }

    /// Everything, in the name of whoever asks, if he may administer.
    async fn authorize(&self, parts: &Parts) -> Result<(Arc<Asker>, Grant), Problem> {
        let mut asker = asker(&self.hub, parts)?;
        // Here `client` is whom one asks about.
        asker.client = None;
        let asker = Arc::new(asker);
        let all = Pattern::new("**").map_err(|error| Problem::internal(error.to_string()))?;
        let wanted = vec![Selector::Pattern(all)];
        let grant = ask(&self.hub, &asker, Action::Administer, wanted.clone()).await?;
        self.hub.administer(&grant).map_err(denied)?;
        let trusted = Ask::from_asker(Arc::clone(&asker), Action::Administer, wanted);
        let grant = self.shared.trusted.authorize(&trusted).await.map_err(denied)?;
        Ok((asker, grant))
    }

    /// The operation that is asked for, with what stands in its path; or the methods that there are on this path.
    fn find(&self, method: &Method, segments: &[String]) -> Result<(&Operation, Texts), Vec<Method>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut methods = Vec::new();
        for operation in &self.operations {
            match operation.matches(segments) {
                Some(texts) if operation.method == *method => return Ok((operation, texts)),
                Some(_) => methods.push(operation.method.clone()),
                None => {}
            }
        }
        Err(methods)
    }

    /// The segments of a path below the prefix, decoded.
    fn segments(&self, path: &str) -> Result<Vec<String>, Problem> {
        let rest = path.strip_prefix(&self.shared.config.prefix).and_then(|rest| rest.strip_prefix('/'));
        let segments = rest.ok_or_else(nowhere)?.split('/');
        segments.map(|segment| decode(segment).map(Cow::into_owned)).collect()
    }
}

fn nowhere() -> Problem {
    Problem::not_found("there is no such operation: openapi.json has them all")
}

/// All operations.
pub(crate) fn operations() -> Table {
    let table = Table::new();
    let table = crate::channels::operations(table);
    let table = crate::clients::operations(table);
    let table = crate::orders::operations(table);
    let table = crate::bans::operations(table);
    let table = crate::publish::operations(table);
    let table = crate::nodes::operations(table);
    crate::node::operations(table)
}

impl Endpoint for Admin {
    const METHODS: &'static [Method] = &[Method::GET, Method::POST, Method::DELETE];

    fn origins(&self) -> &Origins {
        &self.shared.config.origins
    }

    async fn answer<B>(&self, parts: Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: HttpBody<Data: Send, Error: Send> + Send + 'static,
    {
        let (asker, grant) = self.authorize(&parts).await?;
        let segments = self.segments(parts.uri.path())?;
        let (operation, mut texts) = match self.find(&parts.method, &segments) {
            Ok(found) => found,
            Err(methods) if !methods.is_empty() => return Ok(method_not_allowed(&methods)),
            Err(_) => return Err(nowhere()),
        };
        let params = Params::parse(parts.uri.query())?;
        texts.extend(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let config = &self.shared.config;
        let limit = self.hub.config().message_bytes.saturating_mul(config.batch).saturating_add(BODY);
        let body = read_body(&parts, body, limit, config.body).await?;
        if operation.body.is_none() && !body.is_empty() {
            return Err(Problem::bad_request("this operation takes no body"));
        }
        let call = Call { shared: Arc::clone(&self.shared), asker, grant };
        Ok(match (operation.run)(call, texts, &body).await? {
            Some(json) => respond(json),
            None => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
        })
    }
}

fn respond(json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
