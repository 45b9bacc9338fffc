//! End-to-end tests of encke over real TCP: see the files beside `src`.
