//! Publishing and channel inspection over HTTP for encke.
