//! Stage 2: the dates that go with a file.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::serve::shared;
use super::site::{File, Folder, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::bytes;
use crate::wire::http::date;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.files.date",
        title: "Date is the time of the response, in GMT and in the one format for it",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §6.6.1",
        why: "Caches reckon age and freshness from Date. It reads like \"Sun, 06 Nov 1994 08:49:37 GMT\" and is \
              never local time; your program is run as if it stood in India, 5 h 30 min ahead.",
        peers: "",
        hints: &[
            "Which function turns seconds since 1970 into a date without regard to the time zone? (gmtime, not \
             localtime.)",
            "The day has two digits, the names are English whatever the locale, and the zone is the word GMT.",
        ],
        run: date,
    },
    Check {
        id: "web.files.last-modified",
        title: "Last-Modified is the time of the file's last change, in GMT",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Should,
        clause: "RFC 9110 §8.8.2.1",
        why: "With it a client can ask later whether the file has changed and be told \"no\" in a few octets.",
        peers: "",
        hints: &[
            "The file's metadata has it (st_mtime); format it as you format Date.",
            "Seconds since 1970 know no time zone; only the function that makes a date of them does.",
        ],
        run: last_modified,
    },
];

/// Clocks of the same host are read here and there, with a scheduler in between.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// Files of long ago, in whole seconds; one of a day of one digit, since the format has two.
pub struct Dates(Vec<(File, SystemTime)>);

impl Dates {
    pub fn make(top: &Folder, rng: &mut fastrand::Rng) -> io::Result<Dates> {
        const YEAR_2001: u64 = 978_307_200;
        const FIFTH_OF_MARCH_2013: u64 = 1_362_441_600;
        let home = top.folder(&word(rng))?;
        let times = [YEAR_2001 + rng.u64(..18 * 365 * 86_400), FIFTH_OF_MARCH_2013 + rng.u64(..86_400)];
        let dated = times.into_iter().map(|seconds| {
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            Ok((home.file(&format!("{}.txt", word(rng)), prose(rng, 2..5))?.modified(at)?, at))
        });
        Ok(Dates(dated.collect::<io::Result<_>>()?))
    }
}

fn date(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let before = SystemTime::now();
    let response = server.ask(&server.get(&server.site.text.target))?;
    let after = SystemTime::now();
    let sent = expect_date(&response, "Date")?;
    if before - CLOCK_SLACK <= sent && sent <= after + CLOCK_SLACK {
        return Ok(());
    }
    wrong_time("Date", before, sent)
}

fn last_modified(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    for (file, modified) in &server.site.dates.0 {
        let response = server.ask(&server.get(&file.target))?;
        expect_status(&response, 200)?;
        let sent = expect_date(&response, "Last-Modified")?;
        if sent != *modified {
            return wrong_time("Last-Modified", *modified, sent).by_hand(
                "touch -d '2013-03-05 07:08:09 UTC' notes.txt; curl -sI http://127.0.0.1:8080/notes.txt",
            );
        }
    }
    Ok(())
}

/// The date in that field, exact to the octet.
fn expect_date(response: &Response, name: &str) -> Verdict<SystemTime> {
    let example = format!("{name}: Sun, 06 Nov 1994 08:49:37 GMT (with the right time)");
    let Some(value) = response.head.fields.get(name) else {
        return fail(example, format!("no field {name}")).by_hand("curl -sI http://127.0.0.1:8080/notes.txt");
    };
    date::is_imf_fixdate(value).map_err(|error| {
        let (line, carets) = bytes::excerpt(value, error.offset, error.len, 70);
        Failure::new(example, format!("another format at octet {} of the value", error.offset))
            .excerpt([line, carets])
            .rule(format!("{} ({}).", error.rule, error.clause))
            .into()
    })
}

fn wrong_time(name: &str, expected: SystemTime, sent: SystemTime) -> Verdict {
    let apart = sent.duration_since(expected).unwrap_or_else(|error| error.duration()).as_secs();
    let failure = Failure::new(
        format!("{name}: {}", date::imf_fixdate(expected)),
        format!("{name}: {}, {} off", date::imf_fixdate(sent), span(apart)),
    );
    let local = (apart + 2) % 1800 <= 4 && apart > 4;
    Err(if local {
        failure.note("that is local time with the word GMT behind it: your program runs with TZ=Asia/Kolkata")
    } else {
        failure
    }
    .into())
}

fn span(seconds: u64) -> String {
    let minutes = (seconds + 30) / 60;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min"),
        7200..172_800 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
