//! Stage 2: files as octets, and the names by which they are asked for.

use std::io;

use super::serve::{Server, shared};
use super::site::{File, Folder, ON_DISK, prose, word};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::{Conn, expect_body, expect_status, expect_status_in};
use crate::trial::Trial;
use crate::verdict::{Explain, Failure, Verdict, fail};
use crate::wire::http::body::Framing;
use crate::wire::http::message::Response;
use crate::wire::http::response::parse_head;

const ANSWERS: &[&str] = &["web.start.answers"];

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.files.text",
        title: "a text file arrives as it is, with its Content-Length",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §8.6",
        why: "A client can only tell that it has the whole file, and where the next response begins, from the \
              number of octets that Content-Length announces.",
        peers: "nginx, Apache, lighttpd and caddy all send Content-Length for a file.",
        hints: &[
            "Which number do you announce? The file's metadata has its length before you read any of it.",
            "Content-Length counts octets; the length of a text is counted in characters in many languages, \
             and é is one character of two octets.",
        ],
        run: text,
    },
    Check {
        id: "web.files.binary",
        title: "a file of all 256 octet values arrives unchanged, and so does an empty one",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 9110 §6.4",
        why: "Content is octets, not text: images and archives hold every value, NUL and line ends included.",
        peers: "",
        hints: &[
            "How do you read the file? Whatever gives you a text changes what is no text.",
            "Read bytes and write bytes: `std::fs::read`, `open(path, 'rb')`, `Files.readAllBytes`.",
        ],
        run: binary,
    },
    Check {
        id: "web.files.large",
        title: "a file of 8 MiB arrives whole, though the client reads slowly",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "A client that reads slowly fills the buffers of both kernels; a write then waits, or takes only a \
              part. The rest has still to be sent, and the connection to stay open until it is.",
        peers: "",
        hints: &[
            "What does your write return, and what do you do when it is less than you gave?",
            "`write_all`, `sendall` or a loop around `write`, until all octets are taken.",
        ],
        run: large,
    },
    Check {
        id: "web.files.query",
        title: "what follows \"?\" in the target is no part of the file's name",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 3986 §3.4",
        why: "The path ends at the first \"?\"; the query after it is for programs, and files ignore it. Pages use \
              it to get past caches: style.css?v=2.",
        peers: "",
        hints: &["Cut the target at the first \"?\" before you look for a file."],
        run: query,
    },
    Check {
        id: "web.files.decode",
        title: "percent-encoded octets in the target are decoded, once",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Must,
        clause: "RFC 3986 §2.4",
        why: "A URI writes a space as %20 and é as %C3%A9, and any other octet may be written so too. The same \
              string must not be decoded more than once: the file a%41 is asked for as a%2541.",
        peers: "",
        hints: &[
            "\"%\" and two hexadecimal digits, in either case, stand for one octet of the name.",
            "Decode octets, not characters: two of them may make up one é. A plus is a plus: only in form data \
             does it stand for a space.",
            "Go through the path once from left to right; what has come out is never looked at again.",
        ],
        run: decode,
    },
    Check {
        id: "web.files.dots",
        title: "two dots inside a name are served; a path that goes up and down again is served or refused",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Robust,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1; RFC 3986 §5.2.4",
        why: "Only a whole segment \"..\" goes up; in a..b.txt the dots are letters like others. Forbidding every \
              \"..\" keeps honest files out and is still no protection.",
        peers: "nginx and Apache resolve /a/../b.txt to /b.txt; browsers and curl do so before they ask.",
        hints: &["Split the path at \"/\" and compare whole segments with \"..\"."],
        run: dots,
    },
    Check {
        id: "web.files.index",
        title: "a directory with an index.html answers with that file",
        lab: Lab::Lab1,
        stage: 2,
        tier: Tier::Core,
        points: 1,
        role: Role::Server,
        needs: ANSWERS,
        basis: Basis::Contract,
        clause: "contract, lab 1",
        why: "That is how a site has a front page: /dir/ stands for /dir/index.html.",
        peers: "nginx: the directive index; Apache: DirectoryIndex.",
        hints: &["If the path is a directory, look for index.html in it before anything else."],
        run: index,
    },
];

const LARGE: usize = 8 << 20;
/// The receive buffer of a slow reader: far less than `LARGE`, and not so little that TCP crawls.
const SLOW: usize = 64 << 10;
/// What these checks ask for.
pub struct Files {
    /// With more octets than characters.
    text: File,
    binary: File,
    empty: File,
    pub large: File,
    spellings: Vec<Spelling>,
    dotted: File,
    folder: Folder,
    inside: File,
    indexed: Folder,
    index: File,
}

/// One way to write a file's name in a target.
struct Spelling {
    target: String,
    file: File,
    rule: &'static str,
}

impl Files {
    pub fn make(top: &Folder, rng: &mut fastrand::Rng) -> io::Result<Files> {
        let home = top.folder(&word(rng))?;
        let folder = home.folder(&word(rng))?;
        let indexed = home.folder(&word(rng))?;
        indexed.file("about.txt", prose(rng, 2..4))?;
        let mut values: Vec<u8> = (0..3).flat_map(|_| 0..=255).collect();
        rng.shuffle(&mut values);
        let text = [prose(rng, 10..20), "naïve café, 5 € – déjà vu\n".into(), prose(rng, 2..9)].concat();
        Ok(Files {
            text: home.file(&format!("{}.txt", word(rng)), text)?,
            binary: home.file(&format!("{}.bin", word(rng)), values)?,
            empty: home.file(&format!("{}.txt", word(rng)), Vec::new())?,
            large: home.file(&format!("{}.txt", word(rng)), long_text(rng))?,
            spellings: spellings(&home, rng)?,
            dotted: home.file(&format!("{}..{}.txt", word(rng), word(rng)), prose(rng, 3..9))?,
            inside: home.file(&format!("{}.txt", word(rng)), prose(rng, 3..9))?,
            index: indexed.file("index.html", index_page(rng))?,
            folder,
            indexed,
        })
    }
}

/// The same page again and again, of a length that no buffer has, so that what is lost or doubled shows.
fn long_text(rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut page = prose(rng, 2000..2001);
    page.truncate(65_521);
    let mut text = page.repeat(LARGE / page.len() + 1);
    text.truncate(LARGE);
    text
}

fn index_page(rng: &mut fastrand::Rng) -> Vec<u8> {
    let words = String::from_utf8_lossy(&prose(rng, 3..9)).into_owned();
    format!("<!DOCTYPE html>\n<title>{}</title>\n<p>{words}\n", word(rng)).into_bytes()
}

fn spellings(home: &Folder, rng: &mut fastrand::Rng) -> io::Result<Vec<Spelling>> {
    let (a, b) = (word(rng), word(rng));
    let mut file = |name: String| home.file(&name, prose(rng, 3..9));
    let space = file(format!("{a} {b}.txt"))?;
    let plus = file(format!("{a}+{b}.txt"))?;
    let accents = file(format!("{a}-é€.txt"))?;
    let letter = file(format!("{a}A.txt"))?;
    let percent = file(format!("{a}%41.txt"))?;
    let at = |name: &str| format!("{}{name}", home.target);
    let spelling = |target, file: &File, rule| Spelling { target, file: file.clone(), rule };
    Ok(vec![
        spelling(space.target.clone(), &space, "%20 stands for a space"),
        spelling(accents.target.clone(), &accents, "%C3%A9 are the two octets of é in UTF-8"),
        spelling(
            at(&format!("{a}-%c3%a9%e2%82%ac.txt")),
            &accents,
            "hexadecimal digits may be in lower case",
        ),
        spelling(at(&format!("{a}%41.txt")), &letter, "any letter may be encoded: %41 stands for A"),
        spelling(at(&format!("{a}+{b}.txt")), &plus, "a plus is a plus; only in form data is it a space"),
        spelling(plus.target.clone(), &plus, "%2B stands for a plus"),
        spelling(
            at(&format!("{a}%2541.txt")),
            &percent,
            "%25 stands for \"%\", and what comes out is not decoded again",
        ),
    ])
}

fn text(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let file = &server.site.files.text;
    let mut conn = server.connect()?;
    let response = conn.ask(&server.get(&file.target))?;
    expect_status(&response, 200)?;
    expect_body(&response, &file.body, ON_DISK)
        .explain(|failure| text_cut(failure, file, &response, &conn))?;
    if matches!(response.framing, Framing::Length(_)) {
        return Ok(());
    }
    fail(format!("Content-Length: {}", file.body.len()), framing_seen(response.framing))
        .by_hand("curl -si http://127.0.0.1:8080/notes.txt | head")
}

/// Why a text is not whole, where it can be told.
fn text_cut(mut failure: Failure, file: &File, response: &Response, conn: &Conn) -> Failure {
    let characters = String::from_utf8_lossy(&file.body).chars().count();
    if response.body.len() == characters {
        failure.notes = vec![format!(
            "the file has {characters} characters in {} octets: Content-Length counts octets",
            file.body.len()
        )];
    } else if !conn.pending().is_empty() {
        let more = conn.pending().len();
        failure = failure.note(format!("{more} more octets came after what Content-Length announced"));
    }
    failure
}

fn framing_seen(framing: Framing) -> &'static str {
    match framing {
        Framing::Chunked => "no Content-Length; the body came in chunks, though a file's length is known",
        _ => {
            "no Content-Length; the body ended with the connection, so a client cannot tell whether it has all"
        }
    }
}

/// GETs `target`, which names `file`, on a connection of its own.
fn get_file(server: &Server, target: &str, file: &File) -> Verdict {
    let response = server.ask(&server.get(target))?;
    expect_file(&response, file)
}

fn expect_file(response: &Response, file: &File) -> Verdict {
    expect_status(response, 200)?;
    expect_body(response, &file.body, ON_DISK)
}

fn binary(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Files { binary, empty, .. } = &server.site.files;
    get_file(&server, &binary.target, binary)
        .by_hand("curl -s http://127.0.0.1:8080/bytes.bin | cmp - bytes.bin")?;
    get_file(&server, &empty.target, empty).note("this file is empty: 200, and a body of no octets")
}

fn large(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let file = &server.site.files.large;
    let mut conn = Conn::open_small(t.scene(), server.addr(), SLOW)?;
    conn.send(server.get(&file.target).octets())?;
    conn.wait_until_stuck()?;
    conn.wait_for_octets(1)?;
    if promises(conn.pending(), file.body.len()) {
        conn.wait_for_octets(file.body.len()).note(
            "the client read nothing until your program could write no more, and then read on; a write that \
             finds the buffer full waits, or takes a part",
        )?;
    }
    expect_file(&conn.response("GET")?, file)
}

/// Whether this is the beginning of a 200 that does not announce another number of octets.
fn promises(octets: &[u8], length: usize) -> bool {
    parse_head(octets).ok().flatten().is_some_and(|(head, _)| {
        let announced = head.fields.text("Content-Length");
        head.status == 200 && announced.is_none_or(|announced| announced == length.to_string())
    })
}

fn query(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let file = &server.site.text;
    for query in [format!("?v={}", t.rng.u32(..)), "?".to_owned(), "?a=/b?c".to_owned()] {
        get_file(&server, &format!("{}{query}", file.target), file)
            .note(format!("the target was {}{query}", file.target))
            .by_hand("curl -s 'http://127.0.0.1:8080/notes.txt?v=2'")?;
    }
    Ok(())
}

fn decode(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    for Spelling { target, file, rule } in &server.site.files.spellings {
        get_file(&server, target, file)
            .note(format!("the target was {target}, the file is {:?}: {rule}", file.name()))
            .by_hand("curl -s http://127.0.0.1:8080/two%20words.txt")?;
    }
    Ok(())
}

fn dots(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Files { dotted, folder, inside, .. } = &server.site.files;
    get_file(&server, &dotted.target, dotted)
        .note(format!("{:?} is a name like any other: no segment of the path is \"..\"", dotted.name()))?;
    let name = inside.name();
    for target in [format!("{}../{name}", folder.target), format!("{}./../{name}", folder.target)] {
        let response = server.ask(&server.get(&target))?;
        expect_status_in(&response, &[200, 400, 403, 404])
            .and_then(|()| {
                if response.head.status == 200 {
                    expect_body(&response, &inside.body, ON_DISK)
                } else {
                    Ok(())
                }
            })
            .note(format!("the target was {target}, which stays inside the root and is the file {name:?}"))
            .by_hand("curl -s --path-as-is http://127.0.0.1:8080/dir/../notes.txt")?;
    }
    Ok(())
}

fn index(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let Files { indexed, index, .. } = &server.site.files;
    get_file(&server, &indexed.target, index)
        .note(format!("the target was {}, a directory that holds this index.html", indexed.target))
        .by_hand("curl -s http://127.0.0.1:8080/dir/ | cmp - dir/index.html")
}
