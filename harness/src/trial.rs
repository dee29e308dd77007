//! What a check's function is given.
pub struct Trial {}
