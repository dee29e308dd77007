//! The answer with a file: whole, in part, compressed, or only the word that the client has it.

use std::fs::{File, Metadata};
use std::time::SystemTime;

use super::conditional::{self, Validators, Verdict};
use super::range::{self, Part};
use super::{coding, media_type, open};
use crate::http::{Body, Request, Response, Status, date};
use crate::sys::Root;

/// The form in which a file is sent.
struct Form {
    file: File,
    length: u64,
    validators: Validators,
    /// Does the answer depend on `Accept-Encoding` (RFC 9110 §12.5.5)?
    varies: bool,
    is_gzip: bool,
}

/// Answers with the file that was opened at that path.
///
/// Step 3 sends it whole, with its type, its length and its date. Step 8 adds the
/// conditions, step 13 the extensions.
pub fn serve(
    root: &Root,
    request: &Request,
    path: &[u8],
    opened: (File, Metadata),
    now: SystemTime,
) -> Result<Response, Status> {
    // ANCHOR: step3_serve
    let form = choose(root, request, path, opened, now);
    match conditional::evaluate(&request.fields, &form.validators) {
        Verdict::Proceed => {}
        Verdict::NotModified => return Ok(describe(Status::NotModified, &form)),
        Verdict::Failed => return Err(Status::PreconditionFailed),
    }
    let (status, part) = match range::select(request, &form.validators, form.length) {
        Part::Whole => (Status::Ok, 0..form.length),
        Part::Of(part) => (Status::PartialContent, part),
        Part::Unsatisfiable => {
            let range = format!("bytes */{}", form.length);
            return Ok(Response::error(Status::RangeNotSatisfiable).with("Content-Range", range));
        }
    };
    let mut response = describe(status, &form).with("Accept-Ranges", "bytes");
    if form.is_gzip {
        response = response.with("Content-Encoding", "gzip");
    }
    if status == Status::PartialContent {
        let range = format!("bytes {}-{}/{}", part.start, part.end - 1, form.length);
        response = response.with("Content-Range", range);
    }
    let (file, offset, length) = (form.file, part.start, part.end - part.start);
    let body = Body::File {
        file,
        offset,
        length,
    };
    Ok(response.with_body(media_type::of(path), body))
    // ANCHOR_END: step3_serve
}

/// Begins a response with the fields that a 304 has as well (RFC 9110 §15.4.5).
fn describe(status: Status, form: &Form) -> Response {
    // ANCHOR: step3_describe
    let response = Response::new(status)
        .with("Last-Modified", date::format(form.validators.modified))
        .with("ETag", form.validators.etag.clone());
    match form.varies {
        true => response.with("Vary", "Accept-Encoding"),
        false => response,
    }
    // ANCHOR_END: step3_describe
}

/// Chooses between a file as it is and its neighbour `.gz`, if there is one.
fn choose(
    root: &Root,
    request: &Request,
    path: &[u8],
    (file, metadata): (File, Metadata),
    now: SystemTime,
) -> Form {
    // ANCHOR: step13_choose
    // STARTER: // Step 13 looks for a neighbour.
    // STARTER: let (length, validators) = (metadata.len(), Validators::new(&metadata, "", now));
    // STARTER: Form { file, length, validators, varies: false, is_gzip: false }
    // Looked for only where it is wanted; that the answer depends on it is said in either case.
    let wanted = coding::takes_gzip(&request.fields);
    let neighbour = wanted.then(|| open(root, &[path, b".gz"].concat()).ok());
    let chosen = neighbour
        .flatten()
        .filter(|(_, metadata)| metadata.is_file());
    let is_gzip = chosen.is_some();
    let (file, metadata) = chosen.unwrap_or((file, metadata));
    let suffix = if is_gzip { "-gz" } else { "" };
    Form {
        file,
        length: metadata.len(),
        validators: Validators::new(&metadata, suffix, now),
        varies: true,
        is_gzip,
    }
    // ANCHOR_END: step13_choose
}
