//! Lines: what ends them, and how long they may be (RFC 5322 §2.1.1, §2.3).

use memchr::memchr;

use crate::wire::SyntaxError;

/// Octets of a line, CR LF not among them.
const MAX_LINE: usize = 998;

/// Refuses a CR or an LF that stands alone, a line that is too long, and a last line without an end.
pub(super) fn check(message: &[u8]) -> Result<(), SyntaxError> {
    const CLAUSE: &str = "RFC 5322 §2.3";
    let mut start = 0;
    while start < message.len() {
        let lf = memchr(b'\n', &message[start..]).map(|at| start + at);
        let line = &message[start..lf.unwrap_or(message.len())];
        match memchr(b'\r', line) {
            Some(cr) if lf.is_none() || cr + 1 < line.len() => {
                let rule = "a line ends with CR LF; here CR came alone";
                return Err(SyntaxError::new(start + cr, 1, rule, CLAUSE));
            }
            Some(cr) if cr > MAX_LINE => {
                let rule = format!("a line has at most {MAX_LINE} octets, CR LF not counted; this has {cr}");
                return Err(SyntaxError::new(start + MAX_LINE, cr - MAX_LINE, rule, "RFC 5322 §2.1.1"));
            }
            Some(_) => start += line.len() + 1,
            None => {
                let at = start + line.len();
                return Err(match lf {
                    Some(_) => SyntaxError::new(at, 1, "a line ends with CR LF; here LF came alone", CLAUSE),
                    None => SyntaxError::new(at, 0, "the last line too ends with CR LF", CLAUSE),
                });
            }
        }
    }
    Ok(())
}

/// The lines of what [`check`] has seen, without their ends, each with its offset from `base`. The last one may lack
/// its end, since the CRLF before a delimiter belongs to that.
pub(super) fn lines(octets: &[u8], base: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = octets.get(start..).filter(|rest| !rest.is_empty())?;
        let at = base + start;
        let (line, taken) = match memchr(b'\n', rest) {
            Some(lf) => (rest[..lf].strip_suffix(b"\r").unwrap_or(&rest[..lf]), lf + 1),
            None => (rest, rest.len()),
        };
        start += taken;
        Some((at, line))
    })
}
