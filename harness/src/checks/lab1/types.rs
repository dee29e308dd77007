//! Stage 2: the media type that goes with a file's extension.

use std::io;

use super::serve::{Server, shared};
use super::site::{File, Folder, noise, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, fail};

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.types.known",
        title: "Content-Type is the media type that belongs to the file's extension",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §8.3",
        why: "Whether a browser shows a page, runs a script or offers a download hangs on Content-Type, not on the \
              name.",
        peers: "lighttpd adds \"; charset=utf-8\" to text; parameters are ignored here. For .js one finds \
                text/javascript (RFC 9239) and the older application/javascript.",
        hints: &[
            "The extension is what follows the last dot of the file's name, in upper or lower case.",
            "Accepted: html text/html; css text/css; js text/javascript, application/javascript; json \
             application/json; png image/png; jpg image/jpeg; gif image/gif; svg image/svg+xml; txt text/plain; \
             pdf application/pdf; tar.gz application/gzip and its older names, or as for an unknown extension.",
        ],
        run: known,
    },
    Check {
        id: "web.types.unknown",
        title: "a file whose type is not known is application/octet-stream, or has no Content-Type",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §8.3",
        why: "A guess is worse than none: text/html on a file that somebody uploaded runs the scripts in it.",
        peers: "Apache, busybox and caddy send no Content-Type then; nginx sends its default_type.",
        hints: &[
            "Have a default for what your table does not hold: application/octet-stream.",
            "Look for the dot in the file's name, not in the whole path: directories may have dots too.",
        ],
        run: unknown,
    },
];

const BY_EXTENSION: &[(&str, &[&str])] = &[
    ("html", &["text/html"]),
    ("css", &["text/css"]),
    ("js", &["text/javascript", "application/javascript", "application/x-javascript"]),
    ("json", &["application/json"]),
    ("png", &["image/png"]),
    ("jpg", &["image/jpeg"]),
    ("gif", &["image/gif"]),
    ("svg", &["image/svg+xml"]),
    ("txt", &["text/plain"]),
    ("pdf", &["application/pdf"]),
    ("HTML", &["text/html"]),
    ("Png", &["image/png"]),
    ("min.css", &["text/css"]),
    (
        "tar.gz",
        &[
            "application/gzip",
            "application/x-gzip",
            "application/x-tar",
            "application/x-gtar",
            "application/x-compressed-tar",
            "application/x-gtar-compressed",
            UNKNOWN,
            ABSENT,
        ],
    ),
];

const UNKNOWN: &str = "application/octet-stream";
const ABSENT: &str = "none at all";

/// What these checks ask for.
pub struct Types {
    known: Vec<(File, &'static [&'static str])>,
    unknown: Vec<File>,
}

impl Types {
    pub fn make(top: &Folder, rng: &mut fastrand::Rng) -> io::Result<Types> {
        let home = top.folder(&word(rng))?;
        let dotted = home.folder(&format!("{}.html", word(rng)))?;
        let mut known = Vec::new();
        for (extension, types) in BY_EXTENSION {
            known.push((home.file(&format!("{}.{extension}", word(rng)), prose(rng, 1..2))?, *types));
        }
        let mut unknown = Vec::new();
        for (folder, extension) in [(&home, ".wirelab"), (&home, ""), (&dotted, "")] {
            unknown.push(folder.file(&format!("{}{extension}", word(rng)), noise(rng, 100))?);
        }
        Ok(Types { known, unknown })
    }
}

fn known(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    server.site.types.known.iter().try_for_each(|(file, types)| expect_type(&server, file, types))
}

fn unknown(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    server.site.types.unknown.iter().try_for_each(|file| expect_type(&server, file, &[UNKNOWN, ABSENT]))
}

fn expect_type(server: &Server, file: &File, accepted: &[&str]) -> Verdict {
    let response = server.ask(&server.get(&file.target))?;
    expect_status(&response, 200).note(format!("the target was {}", file.target))?;
    let sent = response.head.fields.text("Content-Type");
    let media_type = sent.as_deref().map_or(ABSENT.to_owned(), |value| {
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    });
    if accepted.contains(&media_type.as_str()) {
        return Ok(());
    }
    fail(
        format!("for {}, Content-Type: {}", file.target, accepted.join(", or ")),
        sent.map_or("no Content-Type".to_owned(), |value| format!("Content-Type: {value}")),
    )
    .by_hand("curl -sI http://127.0.0.1:8080/page.html | grep -i content-type")
}
