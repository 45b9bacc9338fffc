//! The message store of encke: one append-only log, its channels, cursors and gaps.
