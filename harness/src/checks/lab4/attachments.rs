//! Stage 6: files that go with the text (RFC 2045, RFC 2046).

use super::letter::{Letter, word, words};
use super::parts::{attachments, file, holds, plain, random, some_file};
use super::session::{read, text_is};
use super::text::declares_size;
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::fake::smtp::Smtp;
use crate::trial::Trial;
use crate::verdict::{Explain, Verdict, ensure};
use crate::wire::mail::Entity;

pub const CHECKS: &[Check] = &[
    Check {
        id: "mail.attach.one",
        title: "a file goes with the text, as the second part of a multipart/mixed",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 2046 §5.1.3",
        why: "A mail has one body. MIME puts several into it: between delimiter lines stand parts, each with a header of \
              its own, an empty line and a body. base64 carries whatever octets a file has.",
        peers: "",
        hints: &[
            "`Content-Type: multipart/mixed; boundary=\"…\"` in the mail's header; each part begins after a line `--…`.",
            "Does each part have its own Content-Type and Content-Transfer-Encoding, and then an empty line?",
            "Read the file as octets, never as text: a decoder of characters changes or loses some.",
        ],
        run: one,
    },
    Check {
        id: "mail.attach.lengths",
        title: "a file of any length arrives whole, an empty one too",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2045 §6.8",
        why: "base64 makes four characters of three octets. What is left at the end, one octet or two, is filled up with \
              \"=\"; that happens once, at the end of the file, and not at the end of each block that you read.",
        peers: "",
        hints: &[
            "Blocks of 57 octets make lines of 76 characters; a block whose length is a multiple of 3 needs no padding.",
            "A read may give fewer octets than you asked for, long before the file ends.",
        ],
        run: lengths,
    },
    Check {
        id: "mail.attach.lines",
        title: "base64 comes in lines of at most 76 characters, in its alphabet, padded",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2045 §6.8",
        why: "A line of a mail may not be longer than 998 octets, and of base64 not longer than 76. The alphabet of URLs, \
              with \"-\" and \"_\", is another encoding.",
        peers: "",
        hints: &[
            "Put CR LF behind every 76 characters, and behind the last line.",
            "The last two of the 64 are \"+\" and \"/\".",
        ],
        run: lines,
    },
    Check {
        id: "mail.attach.delimiter",
        title: "the delimiter occurs in no part, and a closing one ends the last",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Must,
        clause: "RFC 2046 §5.1.1",
        why: "A line that begins with the delimiter ends a part, wherever it came from. Who knows your boundary can end \
              your text early and write the rest of the mail for you; who quotes an earlier mail of yours does it unawares.",
        peers: "",
        hints: &[
            "Make a new boundary for each mail, from random octets, of at most 70 characters.",
            "Behind the last part stands the delimiter once more, with `--` behind it.",
            "Quoted-printable text can have no line with `=_` in it: a boundary with these two is safe by itself.",
        ],
        run: delimiter,
    },
    Check {
        id: "mail.attach.many",
        title: "several files arrive in the order of the command line",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.dialogue.sends", "mail.dialogue.crlf"],
        basis: Basis::Contract,
        clause: "contract, lab 4; RFC 2046 §5.1.3",
        why: "--attach may be repeated, and each file is a part. The parts of a multipart/mixed are in an order that means \
              something.",
        peers: "",
        hints: &["Does the second --attach replace the first, where you read the command line?"],
        run: many,
    },
    Check {
        id: "mail.attach.type",
        title: "an attachment's Content-Type follows from the extension of its name",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Core,
        points: 1,
        role: Role::Mail,
        needs: &["mail.attach.many"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "By its type a reader knows which program shows the file. What is not known is `application/octet-stream`: \
              octets, to be saved.",
        peers: "",
        hints: &[
            "A small table will do: txt, html, png, jpg, gif, pdf, zip; for all else application/octet-stream.",
        ],
        run: media_type,
    },
    Check {
        id: "mail.attach.size",
        title: "SIZE= counts the attachments, encoded as they are sent",
        lab: Lab::Lab4,
        stage: 6,
        tier: Tier::Robust,
        points: 1,
        role: Role::Mail,
        needs: &["mail.text.size", "mail.attach.lengths"],
        basis: Basis::Contract,
        clause: "contract, lab 4",
        why: "What a server takes is octets on the wire, and base64 makes four out of three, with two more for each line \
              end. The length can be told from the file's, before a line of it is read.",
        peers: "Gmail takes 35 882 577 octets: a file of 25 MB, encoded.",
        hints: &[
            "Of n octets, (n + 2) / 3 * 4 characters, and a CR LF for each 76 of these or a rest of them.",
        ],
        run: size,
    },
];

fn one(t: &mut Trial) -> Verdict {
    let mut octets: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
    t.rng.shuffle(&mut octets);
    let path = some_file(t, &octets)?;
    let text = words(t, 12);
    let letter = Letter::new(t).text(&text).attach(&path);
    let ended = letter.send(t, Smtp::builder())?;
    let mail = ended.mail()?;
    let message = read(mail)?;
    let kind = message.entity.media.essence();
    ensure(kind == "multipart/mixed", "Content-Type: multipart/mixed in the mail's header", kind)?;
    let parts = attachments(&message, 1)?;
    text_is(mail, &text).note("the first part is the text")?;
    holds(parts[0], &octets, "the file's 512 octets, each value twice")
}

/// Sends one file of these octets, and fails unless they arrive. Returns the encoding in which they did.
fn arrives(t: &mut Trial, octets: &[u8]) -> Verdict<String> {
    let path = some_file(t, octets)?;
    let ended = Letter::new(t).attach(&path).send(t, Smtp::builder())?;
    let message = read(ended.mail()?)?;
    let parts = attachments(&message, 1)?;
    holds(parts[0], octets, &format!("the file's {} octets", octets.len()))?;
    Ok(parts[0].encoding.clone())
}

fn lengths(t: &mut Trial) -> Verdict {
    // A line that is just full; more than the blocks in which programs read, and of whatever remainder.
    for length in [0, 1, 2, 57, 100_000 + t.rng.usize(..30_000)] {
        let octets = random(t, length);
        arrives(t, &octets).note(format!("the file has {length} octets"))?;
    }
    Ok(())
}

fn lines(t: &mut Trial) -> Verdict {
    // One octet is left over: two characters of padding.
    let length = 3 * t.rng.usize(1000..2000) + 1;
    let octets = random(t, length);
    let encoding = arrives(t, &octets)?;
    ensure(encoding == "base64", "Content-Transfer-Encoding: base64 for an attachment", encoding)
}

fn delimiter(t: &mut Trial) -> Verdict {
    let content = words(t, 3);
    let path = file(t, "first.txt", content.as_bytes())?;
    let letter = Letter::new(t).attach(&path);
    let ended = letter.send(t, Smtp::builder())?;
    let boundaries = boundaries(&read(ended.mail()?)?.entity);

    let mut quoted = words(t, 4);
    for boundary in &boundaries {
        quoted += &format!("\n--{boundary}\n{}\n--{boundary}--\n{}", words(t, 3), words(t, 3));
    }
    quoted.push('\n');
    let path = file(t, "second.txt", quoted.as_bytes())?;
    t.step(format!("wrote the lines \"--{}\" into a text and into a file", boundaries.join("\" and \"--")));
    let ended = Letter { attach: vec![path], ..letter.text(&quoted) }.send(t, Smtp::builder())?;
    let mail = ended.mail()?;
    let whole = || {
        text_is(mail, &quoted)?;
        let message = read(mail)?;
        holds(attachments(&message, 1)?[0], quoted.as_bytes(), "the file")
    };
    whole().note(
        "the text and the file quote the delimiters of another mail of yours, each on a line of its own",
    )
}

/// Of this and of every multipart in it.
fn boundaries(entity: &Entity) -> Vec<String> {
    let own = entity.media.parameter("boundary").filter(|_| !entity.parts().is_empty());
    let inner = entity.parts().iter().flat_map(boundaries);
    own.map(str::to_owned).into_iter().chain(inner).collect()
}

fn many(t: &mut Trial) -> Verdict {
    let files: Vec<Vec<u8>> = (0..4).map(|_| plain(t)).collect();
    let mut letter = Letter::new(t);
    for octets in &files {
        letter = letter.attach(&some_file(t, octets)?);
    }
    let ended = letter.send(t, Smtp::builder())?;
    let message = read(ended.mail()?)?;
    let parts = attachments(&message, files.len())?;
    let order: Vec<Option<usize>> =
        parts.iter().map(|part| files.iter().position(|octets| part.octets() == octets)).collect();
    let seen: Vec<String> = order
        .iter()
        .map(|place| place.map_or("another".to_owned(), |place| (place + 1).to_string()))
        .collect();
    ensure(
        order.iter().copied().eq((0..files.len()).map(Some)),
        "behind the text the files 1, 2, 3, 4, as the command line has them",
        seen.join(", "),
    )
}

fn media_type(t: &mut Trial) -> Verdict {
    let unknown = format!(".{}", word(t));
    let types: [(&str, &[&str]); 9] = [
        (".txt", &["text/plain"]),
        (".html", &["text/html"]),
        (".png", &["image/png"]),
        (".jpg", &["image/jpeg"]),
        (".gif", &["image/gif"]),
        (".pdf", &["application/pdf"]),
        (".zip", &["application/zip", "application/x-zip-compressed"]),
        (&unknown, &["application/octet-stream"]),
        ("", &["application/octet-stream"]),
    ];
    let mut letter = Letter::new(t);
    let mut names = Vec::new();
    for (extension, _) in types {
        let (name, octets) = (format!("{}{extension}", word(t)), plain(t));
        letter = letter.attach(&file(t, &name, &octets)?);
        names.push(name);
    }
    let ended = letter.send(t, Smtp::builder())?;
    let message = read(ended.mail()?)?;
    let parts = attachments(&message, types.len())?;
    for ((part, name), (_, accepted)) in parts.into_iter().zip(names).zip(types) {
        let kind = part.media.essence();
        ensure(accepted.contains(&kind.as_str()), format!("{} for {name}", accepted.join(" or ")), kind)?;
    }
    Ok(())
}

fn size(t: &mut Trial) -> Verdict {
    let length = 300_000 + t.rng.usize(..30_000);
    let octets = random(t, length);
    let path = some_file(t, &octets)?;
    let letter = Letter::new(t).attach(&path);
    let ended = letter.send(t, Smtp::builder().offers(["SIZE 50000000"]))?;
    declares_size(ended.mail()?)?;
    ended.delivered(&letter)?;
    // The file alone would do.
    let limit = length * 6 / 5;
    let ended = letter.send(t, Smtp::builder().offers([format!("SIZE {limit}")]))?;
    let why = format!("the server takes {limit} octets, and the file's {length} are more in base64");
    ended.never("DATA", &why)?;
    ended.exits(&[69], &why)
}
