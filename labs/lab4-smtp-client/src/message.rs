//! What is to be sent: to whom, what it is about, the text, and files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use crate::address::Address;
use crate::error::Error;
use crate::mime::base64;

/// Octets that are read of an attachment at a time: whole lines of base64.
const CHUNK: usize = base64::PER_LINE * 1024;

/// A mail, before it is one.
#[derive(Debug)]
pub struct Message {
    pub from: Address,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// They receive it, and no header field names them.
    pub bcc: Vec<Address>,
    /// With line ends of any kind.
    pub text: String,
    subject: String,
    attachments: Vec<Attachment>,
}

impl Message {
    pub fn new(from: Address, to: Vec<Address>) -> Message {
        Message {
            from,
            to,
            cc: Vec::new(),
            bcc: Vec::new(),
            text: String::new(),
            subject: String::new(),
            attachments: Vec::new(),
        }
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Sets the subject, which is one line: another one would be a header field of its own.
    pub fn set_subject(&mut self, subject: &str) -> Result<(), Error> {
        self.subject = subject.into(); // step 5: which must have no line end
        Ok(())
    }

    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Adds a file, which is opened here and read when the mail is sent.
    pub fn attach(&mut self, path: &Path) -> Result<(), Error> {
        self.attachments.push(Attachment::open(path)?);
        Ok(())
    }

    /// Whom it is sent to, each once.
    pub fn recipients(&self) -> Vec<&Address> {
        todo!("step 1: recipients")
    }
}

/// A file that goes with a mail.
#[derive(Debug)]
pub struct Attachment {
    /// Its name, without the folders it is in.
    pub name: String,
    /// Its length when it was opened, in octets.
    pub length: u64,
    path: PathBuf,
    file: File,
}

impl Attachment {
    /// Opens a file that can be read from its start to an end that is known.
    fn open(path: &Path) -> Result<Attachment, Error> {
        todo!("step 6: open")
    }

    /// Its media type, guessed from its extension.
    pub fn media_type(&self) -> String {
        todo!("step 6: media type")
    }

    /// Hands out its base64 in pieces; their length together is what `encoded_length` says.
    pub fn encode(&self, piece: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        todo!("step 6: encode")
    }
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn everyone_is_sent_to_once() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let mut message = Message::new(address("a@b"), vec![address("x@y"), address("z@y")]);
        message.cc = vec![address("x@y"), address("c@y")];
        message.bcc = vec![address("d@y"), address("c@y")];
        let recipients: Vec<String> = message
            .recipients()
            .iter()
            .map(|one| one.to_string())
            .collect();
        assert_eq!(recipients, ["x@y", "z@y", "c@y", "d@y"]);
    }
}

#[cfg(test)]
mod step5 {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        let mut message = Message::new("a@b".parse().unwrap(), vec![]);
        for subject in ["a\r\nBcc: x@y", "a\n", "\r"] {
            let error = message.set_subject(subject).unwrap_err();
            assert_eq!(error.exit_status(), crate::error::USAGE);
        }
        assert_eq!(message.subject(), "");
    }
}

#[cfg(test)]
mod step6 {
    use std::io::Write;

    use super::*;
    use crate::error::{NO_INPUT, USAGE};

    #[test]
    fn what_cannot_be_read_is_told_when_it_is_attached() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        for path in [
            dir.path(),
            &missing,
            Path::new("/"),
            Path::new("/dev/null"),
            Path::new(".."),
        ] {
            assert_eq!(
                Attachment::open(path).unwrap_err().exit_status(),
                NO_INPUT,
                "{path:?}"
            );
        }
        let injected = dir.path().join("a\r\nBcc: x@y");
        fs::write(&injected, "").unwrap();
        assert_eq!(
            Attachment::open(&injected).unwrap_err().exit_status(),
            USAGE
        );
    }

    #[test]
    fn a_file_that_has_changed_is_not_sent_as_if_it_had_not() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let path = dir.path().join("a");
            fs::write(&path, vec![b'x'; length]).unwrap();
            let attachment = Attachment::open(&path).unwrap();
            let encode = || {
                let mut sent = 0;
                let done = attachment.encode(&mut |piece: &[u8]| {
                    sent += piece.len() as u64;
                    Ok(())
                });
                done.map(|()| sent)
            };
            assert_eq!(encode().unwrap(), base64::encoded_length(length as u64));
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(b"more").unwrap();
            assert_eq!(
                encode().unwrap_err().exit_status(),
                NO_INPUT,
                "{length} and 4"
            );
            if let Some(less) = length.checked_sub(1) {
                file.set_len(less as u64).unwrap();
                assert_eq!(
                    encode().unwrap_err().exit_status(),
                    NO_INPUT,
                    "{length} less 1"
                );
            }
        }
    }
}
