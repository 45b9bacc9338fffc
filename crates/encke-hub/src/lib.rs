//! The running hub of encke: grants, subscriptions, engines, limits and drain.
