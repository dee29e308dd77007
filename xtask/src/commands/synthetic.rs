//! `cargo xtask synthetic LAB --students N --into DIR`: the results of a class that never was, for measuring.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use harness::check::Lab;

use crate::grade::roster;
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
    let list = roster(&class)?;
    let students = roster::parse(list.as_bytes())?.students;
    let header = Header {
        schema: store::SCHEMA.to_owned(),
        lab: args.lab,
        students,
        points: 100.0,
        course: String::new(),
        strangers: Vec::new(),
    };
    store::write_header(&args.into, &header)?;
    store::write_text(&args.into.with_extension("csv"), &list)?;
    let (shard, shards) = args.shard;
    for number in (0..args.students).filter(|number| number % shards == shard - 1) {
        store::write_record(&args.into, &class.record(number))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The class list that goes with it, in `DIR.csv`.
fn roster(class: &Class) -> Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["login", "name", "email", "sis user id", "section"])?;
    for student in (0..class.students).map(|number| class.student(number)) {
        let extra = |name: &str| student.extra.get(name).map_or("", String::as_str);
        let email = student.email.as_deref().unwrap_or_default();
        csv.write_record([&student.id, &student.name, email, extra("sis user id"), extra("section")])?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts.filter(|&(k, n)| (1..=n).contains(&k)).ok_or_else(|| "K of N, as in 1/4".to_owned())
}
