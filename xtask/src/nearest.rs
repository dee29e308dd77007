//! Reads the names of labs and checks; for a name that there is not, says which are near.

use harness::check::{self, Check, Lab};

/// Names less alike than this are no help.
const ALIKE: f64 = 0.75;

/// A lab, by its word or its folder.
pub fn lab(word: &str) -> Result<Lab, String> {
    let names = Lab::ALL.iter().map(|lab| lab.name());
    word.parse::<Lab>().map_err(|error| match nearest(word, names.clone()).as_slice() {
        [] => format!("{error}; there are: {}", names.collect::<Vec<_>>().join(", ")),
        near => format!("{error}; the nearest: {}", near.join(", ")),
    })
}

/// A check of any lab.
pub fn check(id: &str) -> Result<&'static Check, String> {
    check::find(id).ok_or_else(|| unknown(id, Lab::ALL.iter().flat_map(|lab| lab.checks())))
}

/// Says that `id` names none of `checks`, nor any of their groups, and what comes near.
pub fn unknown(id: &str, checks: impl Iterator<Item = &'static Check>) -> String {
    let ids: Vec<&str> = checks.map(|check| check.id).collect();
    match nearest(id, ids.into_iter()).as_slice() {
        [] => format!("there is no check {id:?}; `cargo xtask list` shows them all"),
        near => format!("there is no check {id:?}; the nearest: {}", near.join(", ")),
    }
}

/// At most three, the most alike first.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut rated: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|&(alike, _)| alike >= ALIKE)
        .collect();
    rated.sort_by(|a, b| b.0.total_cmp(&a.0));
    rated.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let names = ["web.files.binary", "web.files.query", "client.get"];
        assert_eq!(nearest("web.file.binary", names.into_iter())[0], "web.files.binary");
        assert_eq!(nearest("clientget", names.into_iter())[0], "client.get");
        assert!(nearest("zzz", names.into_iter()).is_empty());
    }

    #[test]
    fn an_unknown_lab_is_told_with_those_there_are() {
        assert_eq!(lab("lab1"), Ok(Lab::Lab1));
        assert_eq!(lab("lab1-web-server"), Ok(Lab::Lab1));
        assert!(lab("lbo1").is_err_and(|error| error.ends_with("the nearest: lab1")));
        assert!(lab("zzz").is_err_and(|error| error.contains("there are: lab1")));
    }
}
