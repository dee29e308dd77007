//! What the terminal can show, and writing to it.

use std::env;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use harness::report::human::{Look, Page};

/// The widths within which text is set.
const COLUMNS: std::ops::RangeInclusive<u16> = 80..=100;

/// Wide where a wide terminal is; coloured where it likes colours and `NO_COLOR` does not forbid them.
pub fn look(all: bool) -> Look {
    let stdout = io::stdout();
    let width =
        if stdout.is_terminal() { terminal_size::terminal_size().map_or(0, |(width, _)| width.0) } else { 0 };
    Look {
        width: usize::from(width.clamp(*COLUMNS.start(), *COLUMNS.end())),
        colour: AutoStream::choice(&stdout) != ColorChoice::Never,
        ascii: !knows_utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(|name| env::var(name).ok())),
        all,
    }
}

/// Sets a page and writes it.
pub fn show(compose: impl FnOnce(&mut Page)) -> io::Result<()> {
    let look = look(false);
    let mut page = Page::new(&look);
    compose(&mut page);
    print(&page.finish())
}

/// Writes to stdout; a reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// The first that is set decides; where none is, nothing speaks against UTF-8.
fn knows_utf8(locales: [Option<String>; 3]) -> bool {
    let locale = locales.into_iter().flatten().find(|locale| !locale.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let of = |all: &str, ctype: &str, lang: &str| {
            knows_utf8([all, ctype, lang].map(|locale| Some(locale.to_owned())))
        };
        assert!(of("", "", "de_DE.UTF-8"));
        assert!(!of("C", "", "de_DE.UTF-8"));
        assert!(of("", "C.utf8", "POSIX"));
        assert!(knows_utf8([None, None, None]));
    }
}
