//! SMTP commands as their grammar binds the client (RFC 5321 §4.1, RFC 4954 §4).
//!
//! Lenient only where the RFC is: verbs and parameters in any case, white space before the line's end, source routes,
//! which are read and dropped. Left out: `SMTPUTF8`, and the arguments of commands that no client under test needs.

use std::net::Ipv6Addr;

use super::bytes::show;
use super::scan::{Scanner, ascii, is_atom_octet};
use super::{SyntaxError, base64};

/// Keyword in upper case and value of what follows a path: `("SIZE", Some("1024"))`.
pub type Parameters = Vec<(String, Option<String>)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// With the domain or address literal by which the client calls itself.
    Ehlo(String),
    Helo(String),
    /// The sender without angle brackets; empty for the null sender.
    Mail {
        from: String,
        parameters: Parameters,
    },
    Rcpt {
        to: String,
        parameters: Parameters,
    },
    Data,
    Quit,
    Rset,
    Noop,
    StartTls,
    /// The mechanism in upper case, and the initial response decoded.
    Auth {
        mechanism: String,
        initial: Option<Vec<u8>>,
    },
    /// The line of a command that is none of these.
    Other(String),
}

/// Reads one line, without its CRLF.
pub fn parse(line: &[u8]) -> Result<Command, SyntaxError> {
    if let Some(at) = line.iter().position(|&octet| !matches!(octet, b' '..=b'~' | b'\t')) {
        let rule = format!("a command is printable ASCII; here came {:?}", show(&line[at..=at]));
        return Err(SyntaxError::new(at, 1, rule, "RFC 5321 §2.4"));
    }
    // RFC 5321 §4.1.1: receivers tolerate white space before the end of the line.
    let mut scanner = Scanner::new(line.trim_ascii_end(), 0);
    let verb = ascii(scanner.take_while(|octet| octet.is_ascii_alphanumeric())).to_ascii_uppercase();
    if verb.is_empty() {
        return Err(scanner.refuse("a command begins with a verb", "RFC 5321 §4.1.1"));
    }
    check_length(line, &verb)?;
    let command = match verb.as_str() {
        "EHLO" => Command::Ehlo(greeted_host(&mut scanner, "EHLO")?),
        "HELO" => Command::Helo(greeted_host(&mut scanner, "HELO")?),
        "MAIL" => {
            let from = path(&mut scanner, "FROM:", "RFC 5321 §4.1.1.2")?;
            Command::Mail { from, parameters: parameters(&mut scanner)? }
        }
        "RCPT" => {
            let to = path(&mut scanner, "TO:", "RFC 5321 §4.1.1.3")?;
            Command::Rcpt { to, parameters: parameters(&mut scanner)? }
        }
        "DATA" => Command::Data,
        "QUIT" => Command::Quit,
        "RSET" => Command::Rset,
        "STARTTLS" => Command::StartTls,
        "AUTH" => auth(&mut scanner)?,
        // RFC 5321 §4.1.1.9: its argument means nothing.
        "NOOP" => return Ok(Command::Noop),
        _ => return Ok(Command::Other(ascii(line))),
    };
    match scanner.peek() {
        None => Ok(command),
        Some(_) => {
            let rule = format!("the {verb} command ends here; {:?} follows", show(scanner.rest()));
            Err(SyntaxError::new(scanner.offset(), scanner.rest().len(), rule, "RFC 5321 §4.1.1"))
        }
    }
}

/// What a client answers to a 334 (RFC 4954 §4): base64 in one line, canonical and padded. `*`, which cancels, is
/// the caller's.
pub fn auth_response(line: &[u8]) -> Result<Vec<u8>, SyntaxError> {
    base64::decode(line).map_err(|(at, rule)| {
        let rule = format!("what authenticates is base64 in one line: {rule}");
        SyntaxError::new(at, usize::from(at < line.len()), rule, "RFC 4954 §4")
    })
}

/// Whether this is a Domain (RFC 5321 §4.1.2): labels of letters, digits and inner hyphens, with dots between.
pub fn is_domain(text: &str) -> bool {
    whole(text, |scanner| domain(scanner, "RFC 5321 §4.1.2"))
}

/// Whether this is an address literal (RFC 5321 §4.1.3): `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
pub fn is_address_literal(text: &str) -> bool {
    whole(text, address_literal)
}

/// Whether this is a Mailbox (RFC 5321 §4.1.2): `local-part@domain`.
pub fn is_mailbox(text: &str) -> bool {
    whole(text, mailbox)
}

fn whole(text: &str, read: impl Fn(&mut Scanner<'_>) -> Result<String, SyntaxError>) -> bool {
    let mut scanner = Scanner::new(text.as_bytes(), 0);
    read(&mut scanner).is_ok() && scanner.peek().is_none()
}

/// RFC 5321 §4.5.3.1.4, RFC 4954 §4: both lengths count the CRLF.
fn check_length(line: &[u8], verb: &str) -> Result<(), SyntaxError> {
    let (limit, clause) =
        if verb == "AUTH" { (12_288, "RFC 4954 §4") } else { (512, "RFC 5321 §4.5.3.1.4") };
    if line.len() + 2 > limit {
        let rule = format!(
            "a command line has at most {limit} octets, CR LF among them; this has {}",
            line.len() + 2
        );
        return Err(SyntaxError::new(limit - 2, line.len() - (limit - 2), rule, clause));
    }
    Ok(())
}

fn greeted_host(scanner: &mut Scanner<'_>, verb: &str) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5321 §4.1.1.1";
    if !scanner.eat(b' ') || scanner.peek().is_none() {
        let rule = format!("after {verb} come one space and the client's domain or address literal");
        return Err(scanner.refuse(rule, CLAUSE));
    }
    host(scanner, CLAUSE)
}

fn host(scanner: &mut Scanner<'_>, clause: &'static str) -> Result<String, SyntaxError> {
    match scanner.peek() {
        Some(b'[') => address_literal(scanner),
        _ => domain(scanner, clause),
    }
}

fn domain(scanner: &mut Scanner<'_>, clause: &'static str) -> Result<String, SyntaxError> {
    let start = scanner.offset();
    let mut labels = Vec::new();
    loop {
        let at = scanner.offset();
        let label = scanner.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if label.is_empty() {
            return Err(scanner.refuse(
                "a domain is labels of letters, digits and hyphens, with one dot between them",
                clause,
            ));
        }
        if label.starts_with(b"-") || label.ends_with(b"-") {
            return Err(scanner.refuse_from(at, "a label begins and ends with a letter or a digit", clause));
        }
        if label.len() > 63 {
            return Err(scanner.refuse_from(at, "a label has at most 63 octets", "RFC 1035 §2.3.4"));
        }
        labels.push(ascii(label));
        if !scanner.eat(b'.') {
            break;
        }
    }
    if scanner.peek() == Some(b'_') {
        return Err(
            scanner.refuse("a domain has letters, digits, hyphens and dots, and no underscore", clause)
        );
    }
    if scanner.offset() - start > 255 {
        return Err(scanner.refuse_from(start, "a domain has at most 255 octets", "RFC 5321 §4.5.3.1.2"));
    }
    Ok(labels.join("."))
}

fn address_literal(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5321 §4.1.3";
    let start = scanner.offset();
    if !scanner.eat(b'[') {
        return Err(scanner.refuse("an address literal stands in square brackets", CLAUSE));
    }
    let inner = ascii(scanner.take_while(|octet| !matches!(octet, b']' | b'[' | b'\\' | b' ')));
    if !scanner.eat(b']') {
        return Err(scanner.refuse("an address literal ends with \"]\"", CLAUSE));
    }
    let tagged = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let valid = match tagged {
        Some(tag) => inner[tag.len()..].parse::<Ipv6Addr>().is_ok(),
        None => is_dotted_quad(&inner),
    };
    if valid {
        return Ok(format!("[{inner}]"));
    }
    let rule = match inner.parse::<Ipv6Addr>() {
        Ok(_) => "an IPv6 address in a literal has its tag before it: [IPv6:2001:db8::1]",
        Err(_) => {
            "an address literal is an IPv4 address, [192.0.2.1], or a tagged IPv6 address, [IPv6:2001:db8::1]"
        }
    };
    Err(scanner.refuse_from(start, rule, CLAUSE))
}

fn is_dotted_quad(text: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|octet| octet.is_ascii_digit())
            && part.parse::<u8>().is_ok()
    };
    text.split('.').count() == 4 && text.split('.').all(number)
}

/// SP, `FROM:` or `TO:`, and a path right after it.
fn path(scanner: &mut Scanner<'_>, keyword: &str, clause: &'static str) -> Result<String, SyntaxError> {
    if !scanner.eat(b' ') || !scanner.eat_word(keyword) {
        let rule = format!("after the verb come one space and {keyword:?}, without a space before its colon");
        return Err(scanner.refuse(rule, clause));
    }
    if scanner.peek() == Some(b' ') {
        let rule = format!("no space stands between {keyword:?} and the path");
        return Err(scanner.refuse(rule, "RFC 5321 §3.3"));
    }
    if !scanner.eat(b'<') {
        return Err(scanner.refuse("a path stands in angle brackets: <user@example.com>", "RFC 5321 §4.1.2"));
    }
    let null_sender = keyword == "FROM:" && scanner.peek() == Some(b'>');
    let postmaster = keyword == "TO:" && scanner.rest().to_ascii_lowercase().starts_with(b"postmaster>");
    let address = if null_sender {
        String::new()
    } else if postmaster {
        ascii(scanner.take_while(|octet| octet != b'>'))
    } else {
        source_route(scanner)?;
        mailbox(scanner)?
    };
    if !scanner.eat(b'>') {
        return Err(scanner.refuse("the path ends with \">\" after the domain", "RFC 5321 §4.1.2"));
    }
    Ok(address)
}

/// `@a,@b:`, which must be accepted and should be ignored.
fn source_route(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    const CLAUSE: &str = "RFC 5321 §4.1.2";
    if scanner.peek() != Some(b'@') {
        return Ok(());
    }
    loop {
        if !scanner.eat(b'@') {
            return Err(scanner.refuse("each host of a source route follows an \"@\"", CLAUSE));
        }
        domain(scanner, CLAUSE)?;
        if scanner.eat(b':') {
            return Ok(());
        }
        if !scanner.eat(b',') {
            return Err(scanner.refuse("a source route ends with a colon, before the mailbox", CLAUSE));
        }
    }
}

fn mailbox(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    const CLAUSE: &str = "RFC 5321 §4.1.2";
    let local = match scanner.peek() {
        Some(b'"') => quoted_string(scanner)?,
        _ => dot_string(scanner)?,
    };
    if !scanner.eat(b'@') {
        let rule = "a mailbox is local-part, \"@\", domain; other characters than letters, digits and \
                    !#$%&'*+-/=?^_`{|}~ stand in a quoted local part";
        return Err(scanner.refuse(rule, CLAUSE));
    }
    Ok(format!("{local}@{}", host(scanner, CLAUSE)?))
}

fn dot_string(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    let mut local = String::new();
    loop {
        let atom = scanner.take_while(is_atom_octet);
        if atom.is_empty() {
            return Err(scanner.refuse("a local part is words with one dot between them", "RFC 5321 §4.1.2"));
        }
        local.push_str(&ascii(atom));
        if !scanner.eat(b'.') {
            return Ok(local);
        }
        local.push('.');
    }
}

fn quoted_string(scanner: &mut Scanner<'_>) -> Result<String, SyntaxError> {
    let mut quoted = String::from("\"");
    scanner.advance();
    loop {
        match scanner.peek() {
            None => return Err(scanner.refuse("a quoted local part ends with a quote", "RFC 5321 §4.1.2")),
            Some(b'"') => {
                scanner.advance();
                quoted.push('"');
                return Ok(quoted);
            }
            Some(b'\\') if scanner.rest().len() > 1 => {
                quoted.push_str(&ascii(&scanner.rest()[..2]));
                scanner.advance();
                scanner.advance();
            }
            Some(octet) => {
                quoted.push(char::from(octet));
                scanner.advance();
            }
        }
    }
}

fn parameters(scanner: &mut Scanner<'_>) -> Result<Parameters, SyntaxError> {
    const CLAUSE: &str = "RFC 5321 §4.1.2";
    let mut parameters = Parameters::new();
    while scanner.peek().is_some() {
        if !scanner.eat(b' ') {
            return Err(scanner.refuse("one space stands before each parameter", CLAUSE));
        }
        let keyword = scanner.take_while(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if keyword.is_empty() || keyword.starts_with(b"-") {
            return Err(scanner.refuse(
                "a parameter is KEYWORD or KEYWORD=value, one space before it; keywords are letters, digits and \
                 inner hyphens",
                CLAUSE,
            ));
        }
        let value = match scanner.eat(b'=') {
            false => None,
            true => Some(ascii(scanner.take_while(|octet| matches!(octet, b'!'..=b'<' | b'>'..=b'~')))),
        };
        if value.as_ref().is_some_and(String::is_empty) {
            return Err(scanner.refuse("a value follows \"=\" at once", CLAUSE));
        }
        parameters.push((ascii(keyword).to_ascii_uppercase(), value));
    }
    Ok(parameters)
}

fn auth(scanner: &mut Scanner<'_>) -> Result<Command, SyntaxError> {
    const CLAUSE: &str = "RFC 4954 §4";
    if !scanner.eat(b' ') {
        return Err(scanner.refuse("after AUTH come one space and the mechanism", CLAUSE));
    }
    let mechanism = scanner.take_while(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    if !(1..=20).contains(&mechanism.len()) {
        return Err(scanner.refuse(
            "a mechanism is named by 1 to 20 letters, digits, hyphens and underscores",
            "RFC 4422 §3.1",
        ));
    }
    let mechanism = ascii(mechanism).to_ascii_uppercase();
    if scanner.peek().is_none() {
        return Ok(Command::Auth { mechanism, initial: None });
    }
    if !scanner.eat(b' ') {
        return Err(scanner.refuse("one space stands between the mechanism and the initial response", CLAUSE));
    }
    let start = scanner.offset();
    // An initial response of no octets is "=", since nothing at all means that there is none.
    let initial = match scanner.take_while(|_| true) {
        b"=" => Vec::new(),
        response => auth_response(response).map_err(|error| error.shifted(start))?,
    };
    Ok(Command::Auth { mechanism, initial: Some(initial) })
}

#[cfg(test)]
mod tests;
