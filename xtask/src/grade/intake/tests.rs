//! Submissions as they come, and as they should not.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tar::{EntryType, Header};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// The least that is a submission to lab 3.
const PING: (&str, &[u8]) = ("src/bin/ping.rs", b"fn main() {}");

fn entry(path: PathBuf, form: Form) -> Entry {
    Entry { name: "ada".to_owned(), path, form, modified: Timestamp::default(), told: None }
}

fn take_of(path: PathBuf, form: Form) -> Result<Taken, Refused> {
    let allowed = Allowed { scripts: true, build: vec![vec!["make".to_owned()]] };
    take(&entry(path, form), Lab::Lab3, &allowed)
}

fn names(taken: &Taken) -> Vec<&str> {
    taken.files.keys().map(String::as_str).collect()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, content) in files {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
    }
    dir
}

fn from_folder(files: &[(&str, &[u8])]) -> Result<Taken, Refused> {
    let dir = folder(files);
    take_of(dir.path().into(), Form::Folder)
}

fn saved(octets: &[u8], form: Form) -> Result<Taken, Refused> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("archive");
    fs::write(&path, octets).expect("a file");
    take_of(path, form)
}

fn zip_of(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(PING.0, SimpleFileOptions::default()).expect("an entry");
    zip.write_all(PING.1).expect("its content");
    fill(&mut zip);
    zip.finish().expect("a zip").into_inner()
}

/// A tar whose further entries have exactly these names, whatever they are.
fn tar_of(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, kind, content) in [(PING.0, EntryType::Regular, PING.1)].iter().chain(entries) {
        let mut header = Header::new_gnu();
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").expect("a short name");
        }
        header.set_cksum();
        tar.append(&header, *content).expect("an entry");
    }
    tar.into_inner().expect("a tar")
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(octets).expect("a gzip");
    gzip.finish().expect("a gzip")
}

fn policy(result: Result<Taken, Refused>) -> String {
    match result {
        Err(Refused::Policy(words)) => words,
        other => panic!("not refused: {other:?}"),
    }
}

fn nothing(result: Result<Taken, Refused>) -> String {
    match result {
        Err(Refused::Nothing(words)) => words,
        other => panic!("something: {other:?}"),
    }
}

#[test]
fn every_form_comes_to_the_same_files_and_digest() {
    let tar = tar_of(&[]);
    let all = [
        from_folder(&[PING]),
        saved(&zip_of(|_| ()), Form::Zip),
        saved(&tar, Form::Tar),
        saved(&gzip(&tar), Form::TarGz),
    ];
    let all = all.map(|taken| taken.expect("a submission"));
    for taken in &all {
        assert_eq!((names(taken), &taken.digest), (vec![PING.0], &all[0].digest));
        assert!(taken.left_out.is_empty(), "{:?}", taken.left_out);
    }
}

#[test]
fn a_submission_is_found_at_the_top_in_a_folder_or_in_the_kit() {
    for root in ["", "lab3/", "ada/lab3-udp-ping/", "kit/labs/lab3-udp-ping/"] {
        let path = format!("{root}src/bin/ping.rs");
        let taken = from_folder(&[(&path, b"fn main() {}"), ("README.md", b"mine")]).expect("a submission");
        assert_eq!(names(&taken), ["src/bin/ping.rs"], "{root}");
    }
    let kit: [(&str, &[u8]); 3] = [
        ("labs/lab3-udp-ping/src/bin/ping.rs", b"mine"),
        ("solutions/lab3-udp-ping/src/bin/ping.rs", b"theirs"),
        ("labs/lab1-web-server/src/bin/web-server.rs", b"other"),
    ];
    let taken = from_folder(&kit).expect("a submission");
    assert_eq!(taken.files["src/bin/ping.rs"], b"mine");
}

#[test]
fn an_archive_alone_in_a_folder_is_the_submission() {
    let taken = from_folder(&[("lab3.zip", &zip_of(|_| ()))]).expect("a submission");
    assert_eq!(names(&taken), [PING.0]);
    assert!(
        nothing(from_folder(&[("a.zip", &zip_of(|_| ())), ("b.txt", b"")])).starts_with("it has neither")
    );
}

#[test]
fn of_two_programs_none_is_guessed() {
    let two = [("old/src/bin/ping.rs", &b"1"[..]), ("new/src/bin/ping.rs", b"2")];
    assert_eq!(nothing(from_folder(&two)), "it has more than one program of lab3: new/, old/");
}

#[test]
fn what_is_no_submission_to_this_lab_says_what_it_is() {
    assert_eq!(nothing(from_folder(&[])), "there is no file in it");
    assert_eq!(
        nothing(from_folder(&[("src/bin/web-server.rs", b"")])),
        "it is a submission to lab1, and not to lab3"
    );
    let other = b"lab = \"lab1\"\nprograms.server = [\"./s\"]\n";
    assert_eq!(
        nothing(from_folder(&[("wirelab.toml", other)])),
        "it is a submission to lab1, and not to lab3"
    );
    assert_eq!(
        nothing(from_folder(&[("essay.txt", b"")])),
        "it has neither src/bin/ping.rs nor wirelab.toml"
    );
    assert!(nothing(from_folder(&[("wirelab.toml", b"lab = 3")])).starts_with("wirelab.toml:1:7: "));
    assert_eq!(nothing(saved(b"", Form::Zip)), "the archive is an empty file");
}

#[test]
fn only_the_sources_of_a_package_are_taken() {
    let taken = from_folder(&[
        PING,
        ("build.rs", b"fn main() {}"),
        ("Cargo.toml", b"[dependencies]\nclap = \"4\"\nrand = \"0.9\"\n"),
        (".cargo/config.toml", b""),
        ("rust-toolchain.toml", b""),
        ("target/debug/ping", b""),
    ])
    .expect("a submission");
    assert_eq!(names(&taken), ["src/bin/ping.rs"]);
    assert_eq!(taken.left_out, ["Cargo.toml: the lab's own is taken, without rand"]);
}

#[test]
fn other_languages_are_taken_where_the_course_allows_their_build() {
    let manifest = |build: &str| format!("lab = \"lab3\"\n{build}\nprograms.ping = [\"./ping\"]\n");
    let script = manifest("");
    let made = manifest("build = [\"make\"]");
    let evil = manifest("build = [\"curl\", \"example.org\"]");
    let taken =
        from_folder(&[("wirelab.toml", script.as_bytes()), ("lib/ping", b"#!/bin/sh")]).expect("allowed");
    assert_eq!((taken.kind, names(&taken)), (Kind::Manifest, vec!["lib/ping", "wirelab.toml"]));
    assert!(from_folder(&[("wirelab.toml", made.as_bytes())]).is_ok());
    let words = policy(from_folder(&[("wirelab.toml", evil.as_bytes())]));
    assert!(words.contains("does not allow its build command `curl example.org`"), "{words}");
    let dir = folder(&[("wirelab.toml", script.as_bytes())]);
    let refused = take(&entry(dir.path().into(), Form::Folder), Lab::Lab3, &Allowed::default());
    assert!(policy(refused).contains("scripts = true"));
}

#[test]
fn names_that_lead_out_of_an_archive_refuse_it() {
    for name in ["../evil", "src/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "\\evil"] {
        let words = policy(saved(&tar_of(&[(name, EntryType::Regular, b"x")]), Form::Tar));
        assert!(words.contains("leads out of it") || words.contains("absolute name"), "{name}: {words}");
        let zip = zip_of(|zip| zip.start_file(name, SimpleFileOptions::default()).expect("an entry"));
        policy(saved(&zip, Form::Zip));
    }
}

#[test]
fn what_is_no_regular_file_is_left_out_by_name() {
    let cases = [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Fifo, "no regular file"),
        (EntryType::Char, "no regular file"),
        (EntryType::Block, "no regular file"),
    ];
    for (kind, what) in cases {
        let taken = saved(&tar_of(&[("src/x.rs", kind, b"")]), Form::Tar).expect("the rest of it");
        assert_eq!(names(&taken), [PING.0]);
        assert_eq!(taken.left_out, [format!("src/x.rs: it is {what}")]);
    }
    let zip = zip_of(|zip| {
        zip.add_symlink("src/x.rs", "/etc/passwd", SimpleFileOptions::default()).expect("a link")
    });
    let taken = saved(&zip, Form::Zip).expect("the rest of it");
    assert_eq!(taken.left_out, ["src/x.rs: it is a symbolic link"]);
}

#[test]
fn no_link_of_a_folder_is_followed_and_no_fifo_waited_for() {
    let dir = folder(&[PING]);
    let outside = folder(&[("secret.rs", b"secret")]);
    symlink(outside.path().join("secret.rs"), dir.path().join("src/secret.rs")).expect("a link");
    symlink(outside.path(), dir.path().join("src/all")).expect("a link");
    nix::unistd::mkfifo(&dir.path().join("src/fifo.rs"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let taken = take_of(dir.path().into(), Form::Folder).expect("the rest of it");
    assert_eq!(names(&taken), [PING.0]);
    assert_eq!(
        taken.left_out,
        [
            "src/all: it is a symbolic link",
            "src/fifo.rs: it is no regular file",
            "src/secret.rs: it is a symbolic link"
        ]
    );
    let link = outside.path().join("ada");
    symlink(dir.path(), &link).expect("a link");
    assert!(
        matches!(take_of(link, Form::Folder), Err(Refused::Unreadable(_))),
        "the submission itself is a link"
    );
}

#[test]
fn a_hard_link_to_one_s_own_file_is_a_file() {
    let dir = folder(&[PING]);
    fs::hard_link(dir.path().join(PING.0), dir.path().join("src/same.rs")).expect("a link");
    let taken = take_of(dir.path().into(), Form::Folder).expect("a submission");
    assert_eq!(names(&taken), [PING.0, "src/same.rs"]);
}

#[test]
fn one_name_twice_refuses_the_archive() {
    let tar = tar_of(&[(PING.0, EntryType::Regular, b"other")]);
    assert_eq!(policy(saved(&tar, Form::Tar)), "it has src/bin/ping.rs twice");
    // No writer makes such a zip: two names of one length, one then overwritten.
    let zip =
        zip_of(|zip| zip.start_file("src/bin/gnip.rs", SimpleFileOptions::default()).expect("an entry"));
    let twice = replaced(&zip, b"src/bin/gnip.rs", b"src/bin/ping.rs");
    assert!(policy(saved(&twice, Form::Zip)).contains("twice"));
}

fn replaced(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    for at in 0..octets.len() - from.len() {
        if octets[at..].starts_with(from) {
            octets[at..at + to.len()].copy_from_slice(to);
        }
    }
    octets
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 3 << 20];
    let zip = zip_of(|zip| {
        zip.start_file("src/bomb.rs", SimpleFileOptions::default()).expect("an entry");
        zip.write_all(&zeros).expect("its content");
    });
    assert!(policy(saved(&zip, Form::Zip)).ends_with("times: a zip bomb"));

    let large = vec![b' '; (collect::FILE + 1) as usize];
    let taken = saved(&gzip(&tar_of(&[("src/large.rs", EntryType::Regular, &large)])), Form::TarGz);
    assert_eq!(taken.expect("the rest of it").left_out, ["src/large.rs: it is larger than 4 MiB"]);

    let many: Vec<String> = (0..2_001).map(|n| format!("src/{n}.rs")).collect();
    let many: Vec<(&str, EntryType, &[u8])> =
        many.iter().map(|name| (name.as_str(), EntryType::Regular, &b""[..])).collect();
    assert_eq!(policy(saved(&tar_of(&many), Form::Tar)), "it holds more than 2000 files");

    let names: Vec<String> = (0..9).map(|n| format!("src/{n}.rs")).collect();
    let full = vec![b' '; collect::FILE as usize];
    let files: Vec<(&str, EntryType, &[u8])> =
        names.iter().map(|name| (name.as_str(), EntryType::Regular, &full[..])).collect();
    assert_eq!(policy(saved(&tar_of(&files), Form::Tar)), "it holds more than 32 MiB");
}

/// A few hundred KiB that inflate for ever are given up, though none of it would be kept.
#[test]
fn a_stream_that_inflates_without_end_is_given_up() {
    let mut bounded = collect::Bounded::new(std::io::repeat(0), 1 << 20);
    let error = std::io::copy(&mut bounded, &mut std::io::sink()).expect_err("no end");
    assert_eq!(error.to_string(), "it inflates to more than a submission may");
}

#[test]
fn encrypted_and_broken_archives_are_refused() {
    let mut encrypted = zip_of(|_| ());
    // The flag of the entry, in its own header and in the directory's.
    for (signature, flags) in [(&b"PK\x03\x04"[..], 6), (b"PK\x01\x02", 8)] {
        let at = encrypted.windows(4).position(|window| window == signature).expect("a header");
        encrypted[at + flags] |= 1;
    }
    assert_eq!(policy(saved(&encrypted, Form::Zip)), "its src/bin/ping.rs is encrypted");
    let zip = zip_of(|_| ());
    let tar = gzip(&tar_of(&[]));
    let broken = [
        saved(&zip[..zip.len() / 2], Form::Zip),
        saved(b"no archive at all", Form::Zip),
        saved(b"no archive at all", Form::TarGz),
        saved(&tar[..tar.len() / 2], Form::TarGz),
        saved(&[b'x'; 600], Form::Tar),
    ];
    for result in broken {
        assert!(policy(result).contains("cannot be read"));
    }
}

#[test]
fn names_that_fool_a_reader_are_left_out_and_shown_harmless() {
    let long = format!("src/{}", "x".repeat(90));
    let taken =
        saved(&tar_of(&[("src/a\x1b[2Jb.rs", EntryType::Regular, b"")]), Form::Tar).expect("the rest");
    assert_eq!(taken.left_out, ["src/a\\u{1b}[2Jb.rs: its name has control characters, or is none"]);
    assert_eq!(collect::quoted(&long).chars().count(), 81);
}

#[test]
fn a_submission_is_written_anew_in_the_lab_s_own_package() {
    let dir = folder(&[PING, ("Cargo.toml", b"[package]\nbuild = \"evil.rs\"\n")]);
    let taken = take_of(dir.path().into(), Form::Folder).expect("a submission");
    let out = tempfile::tempdir().expect("a directory");
    write(&taken, Lab::Lab3, out.path()).expect("written");
    let manifest = fs::read_to_string(out.path().join("Cargo.toml")).expect("the manifest");
    assert!(manifest.starts_with("[package]\nbuild = false\nname = \"lab3-udp-ping\""), "{manifest}");
    assert!(out.path().join("Cargo.lock").is_file());
    assert!(fs::metadata(out.path().join(PING.0)).expect("it").modified().expect("a time").elapsed().is_ok());
    assert!(!Path::new(&out.path().join("target")).exists());
}
