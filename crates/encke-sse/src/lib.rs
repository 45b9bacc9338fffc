//! Server-sent events over the log of encke.
