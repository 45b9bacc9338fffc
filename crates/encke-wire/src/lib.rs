//! The native JSON of encke on the wire: envelopes, commands and problems.
