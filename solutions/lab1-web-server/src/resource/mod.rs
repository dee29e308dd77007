//! What a request's target stands for, and the answer to it (RFC 9110).

pub mod coding;
pub mod conditional;
pub mod listing;
pub mod media_type;
pub mod range;
pub mod target;

use std::fs::{File, Metadata};
use std::io;
use std::time::SystemTime;

use crate::http::{Body, Method, Request, Response, Status, date};
use crate::sys::Root;
use conditional::{Validators, Verdict};
use target::Target;

/// Answers a `GET` or `HEAD` of something under `root`, or says with which status not.
pub fn find(root: &Root, request: &Request, now: SystemTime) -> Result<Response, Status> {
    let target = target::resolve(&request.target)?;
    let (file, metadata) = open(root, &target.path)?;
    if metadata.is_dir() {
        directory(root, request, &target, file, now)
    } else if target.is_directory {
        Err(Status::NotFound)
    } else {
        serve_file(root, request, &target.path, file, &metadata, now)
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
    // ANCHOR: step5_status_of
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Status::NotFound,
        io::ErrorKind::PermissionDenied => Status::Forbidden,
        _ => Status::InternalServerError,
    }
    // ANCHOR_END: step5_status_of
}

/// Answers with a file: whole, in part, compressed, or not at all when the client has it already.
///
/// Step 3 sends it whole, with its type, its length and its date. Step 9 adds the conditions, and
/// with them the extensions.
fn serve_file(
    root: &Root,
    request: &Request,
    path: &[u8],
    file: File,
    metadata: &Metadata,
    now: SystemTime,
) -> Result<Response, Status> {
    // ANCHOR: step3_serve_file
    let compressed = open(root, &[path, b".gz"].concat())
        .ok()
        .filter(|(_, it)| it.is_file());
    let mut response = Response::new(Status::Ok);
    if compressed.is_some() {
        response = response.with("Vary", "Accept-Encoding");
    }
    let (file, length, validators) = match compressed {
        Some((gz, metadata)) if coding::takes_gzip(&request.fields) => {
            response = response.with("Content-Encoding", "gzip");
            (gz, metadata.len(), Validators::new(&metadata, "-gz", now))
        }
        _ => (file, metadata.len(), Validators::new(metadata, "", now)),
    };
    response = response
        .with("Last-Modified", date::format(validators.modified))
        .with("ETag", validators.etag.clone())
        .with("Accept-Ranges", "bytes");

    match conditional::evaluate(&request.fields, &validators) {
        Verdict::Proceed => {}
        Verdict::NotModified => {
            // RFC 9110 §15.4.5: no field that describes the body that is not there.
            response
                .fields
                .retain(|(name, _)| *name != "Content-Encoding");
            return Ok(Response {
                status: Status::NotModified,
                ..response
            });
        }
        Verdict::Failed => return Err(Status::PreconditionFailed),
    }
    let part = match request.method {
        Method::Get => range::select(&request.fields, &validators, length),
        _ => range::Part::Whole, // RFC 9110 §14.2: Range is for GET alone
    };
    let (offset, length) = match part {
        range::Part::Whole => (0, length),
        range::Part::Of(part) => {
            let (first, last) = (part.start, part.end - 1);
            response.status = Status::PartialContent;
            response = response.with("Content-Range", format!("bytes {first}-{last}/{length}"));
            (part.start, part.end - part.start)
        }
        range::Part::Unsatisfiable => {
            let unsatisfied = Response::error(Status::RangeNotSatisfiable);
            return Ok(unsatisfied.with("Content-Range", format!("bytes */{length}")));
        }
    };
    Ok(response.with_body(
        media_type::of(path),
        Body::File {
            file,
            offset,
            length,
        },
    ))
    // ANCHOR_END: step3_serve_file
}

/// Answers with a directory: its `index.html`, else a listing; and sends those who forgot the last
/// `/` to where links that are relative to it work.
fn directory(
    root: &Root,
    request: &Request,
    target: &Target,
    directory: File,
    now: SystemTime,
) -> Result<Response, Status> {
    // ANCHOR: step6_directory
    if !target.is_directory {
        let query = target.query.as_ref().map(|query| format!("?{query}"));
        let place = target.url() + "/" + &query.unwrap_or_default();
        return Ok(Response::error(Status::MovedPermanently).with("Location", place));
    }
    let index = target.join(b"index.html");
    match open(root, &index) {
        Ok((file, metadata)) if metadata.is_file() => {
            return serve_file(root, request, &index, file, &metadata, now);
        }
        Ok(_) | Err(Status::NotFound) => {}
        Err(status) => return Err(status),
    }
    let entries = listing::read(root, target, directory).map_err(|error| status_of(&error))?;
    let page = listing::page(target, &entries);
    let body = Body::Octets(page.into_bytes());
    Ok(Response::new(Status::Ok).with_body("text/html; charset=utf-8", body))
    // ANCHOR_END: step6_directory
}
