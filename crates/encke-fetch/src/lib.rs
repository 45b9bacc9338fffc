//! Requests to other servers: bounded in time and size, over TLS, and never redirected.
