//! Administration over HTTP: channels, clients and members, and what can be done about them.
