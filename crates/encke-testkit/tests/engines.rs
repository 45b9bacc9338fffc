//! The engine in memory keeps the promises of every engine.

use encke_testkit::engine::Memory;

encke_testkit::engine_conformance!(Memory: forgets);
