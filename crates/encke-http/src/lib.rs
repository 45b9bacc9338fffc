//! Hold, framing and limit: what the HTTP transports of encke share.
