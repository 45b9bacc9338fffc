//! Who may: authorizers by token, signed URL, access key, callback and stored key.

mod rights;
