//! Responses as data: with these fields, may one be used again without asking?

use super::cached::Cached;
use super::pages::same_body;
use super::reply::{Reply, date};
use crate::client::{Request, expect_status};
use crate::trial::Trial;
use crate::verdict::Verdict;

/// A field line of a response.
#[derive(Clone, Copy)]
pub enum Line {
    Is(&'static str, &'static str),
    /// A date so many seconds from now.
    In(&'static str, i64),
}

/// A 200 with these lines; without a `Date` among them, it is now.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    lines: &'a [Line],
    reused: bool,
}

/// It comes from the cache when it is asked for again.
pub const fn reused(lines: &[Line]) -> Case<'_> {
    Case { lines, reused: true }
}

/// The origin is asked each time, conditionally or not.
pub const fn asked(lines: &[Line]) -> Case<'_> {
    Case { lines, reused: false }
}

impl Case<'_> {
    fn reply(&self, body: &str) -> Reply {
        let own_date =
            self.lines.iter().any(|line| matches!(line, Line::Is("Date", _) | Line::In("Date", _)));
        let reply = if own_date { Reply::ok(body).without_date() } else { Reply::ok(body) };
        self.lines.iter().fold(reply, |reply, line| match *line {
            Line::Is(name, value) => reply.field(name, value),
            Line::In(name, seconds) => reply.field(name, date(seconds)),
        })
    }

    fn words(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(Line::words).collect();
        match lines.split_last() {
            None => "its response says nothing about caching".to_owned(),
            Some((last, [])) => format!("its response has {last}"),
            Some((last, before)) => format!("its response has {} and {last}", before.join(", ")),
        }
    }
}

impl Line {
    fn words(&self) -> String {
        match *self {
            Line::Is(name, value) => format!("`{name}: {value}`"),
            Line::In(name, seconds @ 0..) => format!("`{name}` {} from now", span(seconds)),
            Line::In(name, seconds) => format!("`{name}` {} ago", span(-seconds)),
        }
    }
}

/// Seconds of a day.
pub const DAY: i64 = 86_400;

fn span(seconds: i64) -> String {
    match seconds / DAY {
        0 => format!("{seconds} s"),
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Asks for each of them. What may not be used again is asked for twice more, after the others have been stored.
pub fn try_all(t: &mut Trial, cases: &[Case]) -> Verdict {
    let cached = Cached::share(t)?;
    let mut tries = Vec::new();
    for case in cases {
        let (request, body) = cached.page(t);
        let it = Try { case, reply: case.reply(&body), body, request };
        cached.answers(&it.reply);
        cached.asked(t, &it.request, "it has not been asked for this before")?;
        tries.push(it);
    }
    for it in tries.iter().filter(|it| it.case.reused) {
        cached.answers(&it.reply);
        let response = cached.hit(t, &it.request, &it.case.words())?;
        expect_status(&response, 200)?;
        same_body(&response, it.body.as_bytes(), &it.request)?;
    }
    for it in [&tries, &tries].into_iter().flatten().filter(|it| !it.case.reused) {
        cached.answers(&it.reply);
        cached.asked(t, &it.request, &it.case.words())?;
    }
    Ok(())
}

struct Try<'a> {
    case: &'a Case<'a>,
    reply: Reply,
    body: String,
    request: Request,
}
