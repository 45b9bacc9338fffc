//! WebSocket over the log of encke.
