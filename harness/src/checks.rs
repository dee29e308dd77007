//! The checks themselves, a folder a lab.

pub mod lab1;
pub mod lab2;
pub mod lab3;
pub mod lab4;
