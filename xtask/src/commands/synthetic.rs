//! `cargo xtask synthetic LAB --students N --into DIR`: the results of a class that never was, for measuring.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use harness::check::Lab;

use crate::grade::store::{self, Header};
use crate::grade::synthetic::Class;
use crate::nearest;

/// Write the results of a class that never was
#[derive(clap::Args)]
#[command(hide = true)]
pub struct Args {
    #[arg(value_parser = nearest::lab)]
    lab: Lab,
    #[arg(long, value_name = "N", default_value_t = 300)]
    students: usize,
    /// How far the class has come, from 0 to 1
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    progress: f64,
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Only shard K of N, as `grade --shard` would write it
    #[arg(long, value_name = "K/N", value_parser = shard, default_value = "1/1")]
    shard: (usize, usize),
}

pub fn run(args: Args) -> Result<ExitCode> {
    let class = Class { lab: args.lab, students: args.students, progress: args.progress };
    let header = Header {
        schema: store::SCHEMA.to_owned(),
        lab: args.lab,
        students: (0..args.students).map(|number| class.student(number)).collect(),
        points: 100.0,
        course: String::new(),
        strangers: Vec::new(),
    };
    store::write_header(&args.into, &header)?;
    let (shard, shards) = args.shard;
    for number in (0..args.students).filter(|number| number % shards == shard - 1) {
        store::write_record(&args.into, &class.record(number))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts.filter(|&(k, n)| (1..=n).contains(&k)).ok_or_else(|| "K of N, as in 1/4".to_owned())
}
