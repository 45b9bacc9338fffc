//! A small client of encke: publish, and subscribe over any transport.
