//! The checks themselves, a folder a lab.

pub mod lab1;
pub mod lab3;
