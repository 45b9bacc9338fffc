use encke_http::{Body, Endpoint, Origins, accepts_gzip};
use encke_wire::Problem;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::file::{File, names, prepare};

/// The SDK as a service.
pub type SdkService = encke_http::Service<Sdk>;

/// What a page of another origin that isolates itself asks of what it loads (Fetch standard).
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers with the files of the SDK.
#[derive(Debug)]
pub struct Sdk {
    origins: Origins,
}

impl Sdk {
    /// The service of the files; mount it on a prefix.
    #[must_use]
    pub fn service() -> SdkService {
        // Now, so that no request waits for it.
        prepare();
        SdkService::new(Self { origins: Origins::allow(["*", "null"]) })
    }
}

impl Endpoint for Sdk {
    const METHODS: &'static [Method] = &[Method::GET];

    fn origins(&self) -> &Origins {
        &self.origins
    }

    async fn answer<B: Send>(&self, parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let name = parts.uri.path().rsplit('/').next().unwrap_or_default();
        let missing = || Problem::not_found(format!("the files are {}, and their maps (.map)", names()));
        let file = File::find(name).ok_or_else(missing)?;
        let gzip = file.gzip.as_ref().filter(|_| accepts_gzip(&parts.headers));
        let shown = gzip.unwrap_or(&file.plain);
        let tag = HeaderValue::try_from(&shown.tag).map_err(|_| Problem::internal("the tag is no header"))?;
        let mut response = if has(&parts.headers, &shown.tag) {
            let mut unchanged = Response::new(Body::empty());
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            unchanged
        } else {
            let mut response = Response::new(Body::from(shown.bytes.clone()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type()));
            if gzip.is_some() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag);
        // The next answer may be of another version, and of the files only some are asked for again.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        Ok(response)
    }
}

/// Whether the client has the bytes of this tag (RFC 9110, section 13.1.2). A proxy that compresses makes tags weak.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use http_body_util::{BodyExt, Empty};
    use tower_service::Service;

    async fn ask(request: http::request::Builder) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = request.body(Empty::<&[u8]>::new()).unwrap();
        let (parts, body) = Sdk::service().call(request).await.unwrap().into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_last_segment_is_the_file_under_any_prefix() {
        let (_, _, script) = ask(Request::get("/sdk/js")).await;
        assert_eq!(script, include_bytes!("../dist/encke.js"));
        for path in ["/sdk/encke.js", "/js", "/a/b/js?v=1"] {
            let (status, headers, body) = ask(Request::get(path)).await;
            assert_eq!((status, &body), (StatusCode::OK, &script), "{path}");
            assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8", "{path}");
        }
        for path in ["/", "/sdk/", "/sdk/js/", "/sdk/..%2fjs", "/sdk/encke.d.ts"] {
            let (status, headers, body) = ask(Request::get(path)).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(String::from_utf8(body).unwrap().contains("the files are js, encke.js, encke.mjs"));
            assert_eq!(headers[header::CACHE_CONTROL], "no-store, no-transform", "{path}");
        }
    }

    #[tokio::test]
    async fn whoever_has_it_is_told_so_with_the_headers_that_last() {
        let (_, first, _) = ask(Request::get("/sdk/encke.mjs")).await;
        let tag = first[header::ETAG].to_str().unwrap();
        let known = [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()];
        for known in known {
            let request = Request::get("/sdk/encke.mjs").header(header::IF_NONE_MATCH, &known);
            let (status, headers, body) = ask(request).await;
            assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
            for name in
                [header::ETAG, header::CACHE_CONTROL, header::VARY, header::ACCESS_CONTROL_ALLOW_ORIGIN]
            {
                assert_eq!(headers.get(&name), first.get(&name), "{known}: {name}");
            }
        }
        for other in ["\"x\"", tag.trim_matches('"'), "", "W/*"] {
            let request = Request::get("/sdk/encke.mjs").header(header::IF_NONE_MATCH, other);
            assert_eq!(ask(request).await.0, StatusCode::OK, "{other}");
        }
        let request = Request::get("/sdk/encke.mjs").header(header::IF_NONE_MATCH, tag);
        let (status, ..) = ask(request.header(header::ACCEPT_ENCODING, "gzip")).await;
        assert_eq!(status, StatusCode::OK, "the tag is of the plain bytes");
    }
}
