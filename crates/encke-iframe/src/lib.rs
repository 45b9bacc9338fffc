//! The forever-iframe over the log of encke.
