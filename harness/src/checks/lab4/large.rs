//! Stage 6, with files that are larger than any buffer on the way.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;

use super::letter::{Letter, stretched};
use super::parts::{attachments, random, some_file};
use super::session::{ended, read};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::deadline::Deadline;
use crate::fake::latch::Latch;
use crate::fake::smtp::{Act, Point, Smtp, line};
use crate::sys;
use crate::trial::Trial;
use crate::verdict::{Failure, Fault, Verdict, ensure};

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.attach.memory",
        title: "a large attachment needs no more memory than a small one",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.attach.lengths"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "A program that builds the whole mail before it sends it needs room for the file, for its base64 and perhaps \
              for both with the dots stuffed. Read a block, encode it, send it, and a file of any size goes through the \
              same few KiB.",
        peers: "curl streams; most libraries for mail build the message as one string.",
        hints: &[
            "The lines up to the attachment, then the attachment block by block, then the closing delimiter.",
            "Dots can be stuffed on the way: remember only whether the last octets were a line end.",
        ],
        run: memory,
    },
    Check {
        id: "mail.attach.unread",
        title: "a server that stops reading is given up after --timeout, too",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.attach.one"],
        basis: Basis::Must,
        clause: "RFC 5321 §4.5.3.2",
        why: "A write waits, too: the system takes octets until its buffers are full, and then for as long as the other \
              side reads. A short mail fits into the buffers, a long one does not.",
        peers: "",
        hints: &[
            "A time-out for reading is none for writing: `set_write_timeout`, `SO_SNDTIMEO`.",
            "Java's sockets have none for writing: a second thread that closes the socket is one.",
        ],
        run: unread,
    },
];

const MIB: u64 = 1 << 20;

fn memory(t: &mut Trial) -> Verdict {
    // Half of what the file would take, and three quarters of what the second has more than the first.
    const LARGE: [(u64, u64); 2] = [(24, 12), (72, 36)];
    if !cfg!(target_os = "linux") {
        return Err(Fault::Skipped("how much memory a program had can be seen on Linux only".to_owned()));
    }
    let mut before = peak(t, 0)?;
    let mut grown = Vec::new();
    // What is collected from time to time grows with the first, but not as much with the next.
    for (mib, growth) in LARGE {
        let after = peak(t, mib)?;
        if after < before + growth * MIB {
            return Ok(());
        }
        grown.push(format!("{} MiB more for {mib} MiB", (after - before) / MIB));
        before = after;
    }
    // A runtime that collects later than that: what it has in use while the server does not read is little all the same.
    let [(small, _), (large, growth)] = LARGE;
    let before = stalled(t, small)?;
    if stalled(t, large)? < before + growth * MIB {
        return Ok(());
    }
    Err(Failure::new("as much memory for a large attachment as for a small one", grown.join(", and then "))
        .note("counted is the most memory that the largest of your processes ever had in use")
        .into())
}

/// A letter with a file of about so many MiB; the file's block, and how many times it is there.
fn large(t: &mut Trial, mib: u64) -> Verdict<(Letter, Vec<u8>, usize)> {
    let block = random(t, 1 << 16);
    let blocks = (mib as usize * 16).max(1);
    let path = some_file(t, &[])?;
    File::create(&path)
        .and_then(|mut file| (0..blocks).try_for_each(|_| file.write_all(&block)))
        .map_err(|error| Fault::Broken(format!("could not write {}: {error}", path.display())))?;
    Ok((Letter::new(t).attach(&path), block, blocks))
}

/// Begins to send a file of about so many MiB, and returns the most memory that the program had in use until it came
/// to rest, since the server does not read.
fn stalled(t: &mut Trial, mib: u64) -> Verdict<u64> {
    t.begin_part();
    let (letter, ..) = large(t, mib)?;
    let (asked, never) = (Latch::default(), Latch::default());
    let data = line(354, "go on").then(Act::Open(asked.clone())).then(Act::Await(never));
    let server = Smtp::builder().at(Point::Data, data).start(t.scene())?;
    let running = letter.start(t, &server)?;
    asked.is_open_within(t.deadline().remaining());
    let supervisor = running.supervisor_pid();
    // Well before it gives the server up.
    let deadline = Deadline::after(letter.timeout / 2);
    while !sys::quiet_within(supervisor, sys::TO_SLEEP / 5) && !deadline.passed() {}
    let peak = sys::family_peak(running.reaper_pid()).unwrap_or_default();
    t.unwatch(&running);
    Ok(peak)
}

fn unread(t: &mut Trial) -> Verdict {
    // More than the buffers of both systems hold.
    const OCTETS: u64 = 32 * MIB;
    let path = some_file(t, &[])?;
    let made = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(OCTETS));
    made.map_err(|error| Fault::Broken(format!("could not write {}: {error}", path.display())))?;
    let timeout = stretched(0.5);
    let letter = Letter::new(t).attach(&path).timeout(timeout);
    let data = line(354, "go on").then(Act::Await(Latch::default()));
    let ended = letter.send(t, Smtp::builder().at(Point::Data, data))?;
    ended.given_up_after(timeout, "after the 354 the server read nothing more")
}

/// Sends a file of about so many MiB, and returns the most memory that the program ever had in use.
fn peak(t: &mut Trial, mib: u64) -> Verdict<u64> {
    t.begin_part();
    let (letter, block, blocks) = large(t, mib)?;
    let server = Smtp::builder().start(t.scene())?;
    let running = letter.start(t, &server)?;
    let ended = ended(t, &running, server)?;
    let message = read(ended.mail()?)?;
    let seen = attachments(&message, 1)?[0].octets();
    ensure(
        seen.len() == blocks * block.len() && seen.chunks_exact(block.len()).all(|chunk| chunk == block),
        format!("the {} octets of the file", blocks * block.len()),
        format!("{} octets, and not these", seen.len()),
    )?;
    t.unwatch(&running);
    let gone = Arc::into_inner(running).map(|mut running| running.kill_and_reap()).unwrap_or_default();
    match gone.peak_resident {
        0 => Err(Fault::Skipped("nothing tells how much memory the program had".to_owned())),
        peak => Ok(peak),
    }
}
