//! What a request's target stands for, and the answer to it (RFC 9110).

pub mod coding;
pub mod conditional;
pub mod file;
pub mod listing;
pub mod media_type;
pub mod range;
pub mod target;

use std::fs::{File, Metadata};
use std::io;
use std::time::SystemTime;

use crate::http::{Body, Request, Response, Status};
use crate::sys::Root;
use target::Target;

/// Answers a `GET` or `HEAD` of something under `root`, or says with which status not.
pub fn find(root: &Root, request: &Request, now: SystemTime) -> Result<Response, Status> {
    let target = target::resolve(&request.target)?;
    let opened = open(root, &target.path)?;
    if opened.1.is_dir() {
        directory(root, request, &target, opened.0, now)
    } else if target.is_directory {
        Err(Status::NotFound)
    } else {
        file::serve(root, request, &target.path, opened, now)
    }
}

/// Opens what is at a path, a file or a directory and nothing else.
fn open(root: &Root, path: &[u8]) -> Result<(File, Metadata), Status> {
    let opened = root.open(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    match opened {
        Ok((_, metadata)) if !metadata.is_dir() && !metadata.is_file() => Err(Status::Forbidden),
        Ok(found) => Ok(found),
        Err(error) => Err(status_of(&error)),
    }
}

/// The status that tells a client why a file could not be opened.
pub fn status_of(error: &io::Error) -> Status {
    todo!("step 4: status of")
}

/// Answers with a directory: its `index.html`, else a listing; and redirects those who forgot the
/// last `/`.
///
/// Step 3 looks for `index.html`, and leaves the rest to the two functions that step 5 writes.
fn directory(
    root: &Root,
    request: &Request,
    target: &Target,
    directory: File,
    now: SystemTime,
) -> Result<Response, Status> {
    todo!("step 3: directory")
}

/// Sends a client to where links that are relative to the directory work.
fn redirect(target: &Target) -> Response {
    todo!("step 5: redirect")
}

/// Answers with the listing of a directory.
fn list(root: &Root, target: &Target, directory: File) -> Result<Response, Status> {
    Err(Status::Forbidden) // step 5: list
}
