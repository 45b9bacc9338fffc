//! Polling with a cursor over the log of encke.
