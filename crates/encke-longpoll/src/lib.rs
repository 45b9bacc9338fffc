//! Long polling over the log of encke.
