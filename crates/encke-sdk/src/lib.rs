//! The browser SDK, served by the gateway whose version it has.
//!
//! A page takes it from the gateway that it talks to, and both are always of one version. The files are part of the
//! program: they cannot be missing, and nothing is read from a disk.
//!
//! ```
//! use encke_sdk::Sdk;
//! use http::{Request, header};
//! use http_body_util::Empty;
//! use tower_service::Service;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut sdk = Sdk::service();
//!
//! // Wherever your service routes requests, here those below `/sdk/`:
//! let request = Request::get("/sdk/encke.mjs").body(Empty::<&[u8]>::new())?;
//! let response = sdk.call(request).await?;
//! assert_eq!(response.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! The last segment of the path says which file, whatever stands before it:
//!
//! | file | |
//! |---|---|
//! | `encke.mjs` | the module |
//! | `js`, `encke.js` | the classic script, which defines `Encke` and `EventTube` |
//! | `legacy.mjs`, `eventtube.mjs` | what these two load on demand, from beside themselves |
//! | `presence.mjs` | a module for pages that ask who is on a channel |
//! | each with `.map` | its source map |
//!
//! Every page may load them. Browsers keep them and ask each time whether they are still right: `If-None-Match`
//! with the `ETag` gets 304. They are compressed for those who accept gzip.

mod file;
mod service;

pub use service::{Sdk, SdkService};
