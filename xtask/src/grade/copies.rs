//! Copies, flagged and never judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prints {
    pub whole: u64,
    pub prints: Vec<u64>,
}

pub fn prints(_files: &BTreeMap<String, Vec<u8>>) -> Prints {
    Prints::default()
}
