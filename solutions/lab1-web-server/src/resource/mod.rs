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
    // ANCHOR: step4_status_of
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Status::NotFound,
        io::ErrorKind::PermissionDenied => Status::Forbidden,
        _ => Status::InternalServerError,
    }
    // ANCHOR_END: step4_status_of
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
    // ANCHOR: step3_directory
    if !target.is_directory {
        return Ok(redirect(target));
    }
    let index = target.join(b"index.html");
    match open(root, &index) {
        Ok(opened) if opened.1.is_file() => {
            return file::serve(root, request, &index, opened, now);
        }
        Ok(_) | Err(Status::NotFound) => {}
        Err(status) => return Err(status),
    }
    list(root, target, directory)
    // ANCHOR_END: step3_directory
}

/// Sends a client to where links that are relative to the directory work.
fn redirect(target: &Target) -> Response {
    // ANCHOR: step5_redirect
    let query = target.query.as_ref().map(|query| format!("?{query}"));
    let place = target.url() + "/" + &query.unwrap_or_default();
    Response::error(Status::MovedPermanently).with("Location", place)
    // ANCHOR_END: step5_redirect
}

/// Answers with the listing of a directory.
fn list(root: &Root, target: &Target, directory: File) -> Result<Response, Status> {
    // ANCHOR: step5_list
    // STARTER: Err(Status::Forbidden) // step 5: list
    let entries = listing::read(root, target, directory).map_err(|error| status_of(&error))?;
    let page = listing::page(target, &entries);
    let body = Body::Octets(page.into_bytes());
    Ok(Response::new(Status::Ok).with_body("text/html; charset=utf-8", body))
    // ANCHOR_END: step5_list
}
