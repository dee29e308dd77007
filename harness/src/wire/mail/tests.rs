mod built;
mod content;
mod fields;
mod refused;

use super::*;

/// The entity of a mail whose lines end in LF here.
#[track_caller]
fn read(lines: &str) -> Entity {
    let message = lines.replace('\n', "\r\n");
    parse(message.as_bytes()).unwrap_or_else(|error| panic!("{error} in {lines:?}")).entity
}

/// One field of a mail that has no other.
#[track_caller]
fn field(lines: &str) -> Field {
    read(&format!("{lines}\n\n")).header.fields.remove(0)
}

/// The octets that offend and the clause they break.
#[track_caller]
fn complaint<T: std::fmt::Debug>(message: &str, seen: Result<T, SyntaxError>) -> (String, &'static str) {
    let error = match seen {
        Ok(value) => panic!("{message:?} was read as {value:?}"),
        Err(error) => error,
    };
    let octets = message.as_bytes().get(error.offset..error.offset + error.len);
    let octets = octets.unwrap_or_else(|| panic!("{error:?} is outside {message:?}"));
    (String::from_utf8_lossy(octets).into_owned(), error.clause)
}
