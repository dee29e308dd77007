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
    todo!("step 3: serve")
}

/// Begins a response with the fields that a 304 has as well (RFC 9110 §15.4.5).
fn describe(status: Status, form: &Form) -> Response {
    todo!("step 3: describe")
}

/// Chooses between a file as it is and its neighbour `.gz`, if there is one.
fn choose(
    root: &Root,
    request: &Request,
    path: &[u8],
    (file, metadata): (File, Metadata),
    now: SystemTime,
) -> Form {
    // Step 13 looks for a neighbour.
    let (length, validators) = (metadata.len(), Validators::new(&metadata, "", now));
    Form {
        file,
        length,
        validators,
        varies: false,
        is_gzip: false,
    }
}
