//! Every Unicode scalar value, and hostile texts, in every output context: what a foreign parser reads of it is what was
//! published.

mod hostile;
mod house;
mod judges;
mod scalars;
