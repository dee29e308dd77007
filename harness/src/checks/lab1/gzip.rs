//! Stage 13, extension: a compressed neighbour, `style.css.gz` beside `style.css` (RFC 9110 §8.4, §12.5.3).
//!
//! A server that compresses by itself is as right. Left out: a request without Accept-Encoding, to which the RFC
//! allows any coding.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::etag::Tag;
use super::serve::{Server, shared};
use super::site::{File, Folder, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Fault, Verdict, ensure, fail};
use crate::wire::difference;
use crate::wire::http::message::Response;

pub const CHECKS: &[Check] = &[
    Check {
        id: "ext.gzip.served",
        title: "to Accept-Encoding: gzip comes the compressed file, under the type of the original",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 3,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §8.4",
        why: "Content-Encoding says how the octets were packed; Content-Type, what comes out when they are unpacked. \
              Who gets a style sheet as application/gzip saves it to disk.",
        peers: "nginx: `gzip_static on`; Apache: mod_deflate, or mod_rewrite for a neighbour.",
        hints: &[
            "Three fields describe the body: which of them are about the packed octets, which about the content?",
            "Send the octets of style.css.gz with their length, `Content-Encoding: gzip` and the type of style.css.",
        ],
        run: served,
    },
    Check {
        id: "ext.gzip.vary",
        title: "the compressed form carries Vary: Accept-Encoding, and is not sent to those who refuse it",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 2,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Should,
        clause: "RFC 9110 §12.5.5",
        why: "Vary tells caches that the answer depends on Accept-Encoding; without it, one client's gzip is given to \
              another that cannot read it. `gzip;q=0` means: anything but gzip (§12.4.2).",
        peers: "nginx sends Vary only with `gzip_vary on`; then, as Apache does, with the plain form too.",
        hints: &[
            "What must a cache know before it gives this answer to somebody else?",
            "Split the field at commas, then at semicolons; compare the name alone, and read q.",
        ],
        run: vary,
    },
    Check {
        id: "ext.gzip.validators",
        title: "the plain and the compressed form do not share a strong ETag",
        lab: Lab::Lab1,
        stage: 13,
        tier: Tier::Extension,
        points: 1,
        role: Role::Server,
        needs: &["web.start.answers"],
        basis: Basis::Must,
        clause: "RFC 9110 §8.8.3",
        why: "A strong tag promises equal octets, so that ranges can be put together. The octets of the two forms \
              differ: either the tags do too, or they are marked as weak with W/ (§8.8.1).",
        peers: "Apache's mod_deflate adds -gzip to the tag; nginx makes it weak, or uses the neighbour's own.",
        hints: &[
            "Of which of the two files are the date and length in your tag?",
            "Make the tag from the file that is sent.",
        ],
        run: validators,
    },
];

/// A style sheet and its compressed neighbour.
pub struct Packed {
    pub plain: File,
}

impl Packed {
    /// In a directory of its own in `folder`.
    pub fn make(folder: &Folder, rng: &mut fastrand::Rng) -> io::Result<Packed> {
        let folder = folder.folder(&word(rng))?;
        let plain = folder.file(&format!("{}.css", word(rng)), prose(rng, 200..300))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&plain.body)?;
        folder.file(&format!("{}.gz", plain.name()), encoder.finish()?)?;
        Ok(Packed { plain })
    }
}

fn served(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let file = &server.site.packed.plain.body;
    let packed = ask(&server, "gzip")?;
    ensure(
        packed.head.fields.has("content-encoding") || packed.body == *file,
        "the file as it is, or compressed and Content-Encoding: gzip",
        format!("{} other octets, and no Content-Encoding", packed.body.len()),
    )?;
    let packed = ask_packed(&server)?;
    expect_status(&packed, 200)?;
    let codings = packed.head.fields.list("content-encoding");
    ensure(
        codings.len() == 1 && is_gzip(&packed),
        "Content-Encoding: gzip",
        format!("Content-Encoding: {}", packed.head.fields.text("content-encoding").unwrap_or_default()),
    )?;
    let plain = ask(&server, "identity")?;
    let (wanted, seen) = (media_type(&plain), media_type(&packed));
    ensure(
        wanted == seen,
        format!("Content-Type: {}, as without compression", shown(&wanted)),
        format!("Content-Type: {}", shown(&seen)),
    )?;
    let mut unpacked = Vec::new();
    if let Err(error) = MultiGzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked) {
        return Err(Failure::new("a body that gunzip can unpack", format!("{error}"))
            .note(format!("{} octets came", packed.body.len()))
            .into());
    }
    match unpacked == *file {
        true => Ok(()),
        false => fail(
            "a body that unpacks to the file",
            difference::describe(file, &unpacked).lines().next().unwrap_or_default(),
        ),
    }
}

fn vary(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let packed = ask_packed(&server)?;
    let vary = packed.head.fields.text("vary");
    ensure(
        ["accept-encoding", "*"].iter().any(|name| packed.head.fields.list_has("vary", name)),
        "Vary: Accept-Encoding in an answer with Content-Encoding: gzip",
        vary.map_or("no Vary".to_owned(), |vary| format!("Vary: {vary}")),
    )
    .by_hand("curl -sI -H 'Accept-Encoding: gzip' http://127.0.0.1:8080/style.css")?;
    for refusal in
        ["identity", "gzip;q=0", "deflate, gzip; q=0.000", "", "identity, *;q=0", "notgzip, gzipped"]
    {
        let response = ask(&server, refusal)?;
        ensure(
            !is_gzip(&response),
            format!("the file as it is to Accept-Encoding: {refusal}"),
            "Content-Encoding: gzip",
        )?;
    }
    Ok(())
}

fn validators(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let packed = ask_packed(&server)?;
    let plain = ask(&server, "identity")?;
    let (Some(packed), Some(plain)) = (Tag::of(&packed)?, Tag::of(&plain)?) else {
        return Err(Fault::Skipped("no ETag in both forms: the extension is not there".to_owned()));
    };
    ensure(
        packed.weak || packed != plain,
        format!("another ETag than {plain}, which the plain form has, or a weak one"),
        format!("ETag: {packed}"),
    )
}

fn ask(server: &Server, accept: &str) -> Verdict<Response> {
    server.ask(&server.get(&server.site.packed.plain.target).field("Accept-Encoding", accept))
}

/// Without a coding the extension is not there: a server is free to send the file as it is.
fn ask_packed(server: &Server) -> Verdict<Response> {
    let response = ask(server, "gzip")?;
    match response.head.fields.has("content-encoding") {
        true => Ok(response),
        false => {
            let why = "Accept-Encoding: gzip gets the file as it is: the extension is not there";
            Err(Fault::Skipped(why.to_owned()))
        }
    }
}

/// `x-gzip` is the same (RFC 9110 §8.4.1.3).
fn is_gzip(response: &Response) -> bool {
    ["gzip", "x-gzip"].iter().any(|name| response.head.fields.list_has("content-encoding", name))
}

/// Without parameters, in lower case.
fn media_type(response: &Response) -> Option<String> {
    let value = response.head.fields.text("content-type")?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn shown(media_type: &Option<String>) -> &str {
    media_type.as_deref().unwrap_or("none")
}
