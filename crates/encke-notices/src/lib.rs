//! What happens in a hub, as messages of system channels and as webhooks.
