//! `wirelab.toml`, by which an implementation says how it is built and run (contract, "Submissions").
//!
//! Strict: an unknown key is an error, since a misspelt one would silently cost points. Every error names the line,
//! the column and, where it can, the mend.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::check::{Lab, Role};
use crate::toml_error::{self, TomlError, unknown};

/// The manifest's name in the submission's directory.
pub const FILE_NAME: &str = "wirelab.toml";

const LABS: [Lab; 4] = [Lab::Lab1, Lab::Lab2, Lab::Lab3, Lab::Lab4];

/// How a server of lab 1 shares its work out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    Pool,
    Fork,
}

impl Model {
    pub const ALL: [Self; 2] = [Self::Pool, Self::Fork];

    /// The word after `--model`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Fork => "fork",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub lab: Lab,
    /// Both, unless it says otherwise.
    pub models: Vec<Model>,
    /// The words of the command that builds it, if it needs one.
    pub build: Option<Vec<String>>,
    /// Programs of the system without which there is nothing to try.
    pub requires: Vec<String>,
    /// The words with which each program is started, before the contract's arguments.
    pub programs: BTreeMap<Role, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lab: Spanned<String>,
    models: Option<Spanned<Vec<Spanned<String>>>>,
    build: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    requires: Vec<String>,
    programs: Spanned<BTreeMap<Spanned<String>, Spanned<Vec<String>>>>,
}

impl Manifest {
    /// `None` if the directory has no manifest.
    pub fn load(dir: &Path) -> Option<Result<Self, TomlError>> {
        let path = dir.join(FILE_NAME);
        if !path.exists() {
            return None;
        }
        let octets = fs::read(&path);
        let text = octets.map_err(|error| format!("cannot be read: {error}")).and_then(|octets| {
            String::from_utf8(octets)
                .map_err(|error| format!("is not UTF-8 from octet {}", error.utf8_error().valid_up_to()))
        });
        Some(match text {
            Ok(text) => Self::parse(&text, &path),
            Err(what) => Err(TomlError::at(&path, "", 0..0, what)),
        })
    }

    /// `path` is what an error says where it was.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TomlError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            TomlError::at(path, text, span, explained(error.message()))
        })?;
        file.check().map_err(|(span, what)| TomlError::at(path, text, span, what))
    }
}

impl File {
    fn check(self) -> Result<Manifest, (Range<usize>, String)> {
        let name = self.lab.get_ref();
        let Some(lab) = LABS.into_iter().find(|lab| lab.name() == name) else {
            return Err((self.lab.span(), unknown("lab", name, &LABS.map(Lab::name))));
        };

        let mut models = Vec::new();
        for word in self.models.iter().flat_map(|models| models.get_ref()) {
            let Some(model) = Model::ALL.into_iter().find(|model| model.name() == word.get_ref()) else {
                return Err((word.span(), unknown("model", word.get_ref(), &Model::ALL.map(Model::name))));
            };
            models.push(model);
        }
        match &self.models {
            None => models.extend(Model::ALL),
            Some(list) if models.is_empty() => {
                return Err((list.span(), "no model is left: name pool or fork".into()));
            }
            Some(_) => {}
        }

        if let Some(build) = &self.build
            && build.get_ref().is_empty()
        {
            return Err((
                build.span(),
                "an empty command: leave `build` out if there is nothing to build".into(),
            ));
        }

        let mut programs = BTreeMap::new();
        let roles = lab.programs();
        let whole = self.programs.span();
        for (name, argv) in self.programs.into_inner() {
            let Some(&(role, _)) = roles.iter().find(|(role, _)| role.name() == name.get_ref()) else {
                let roles: Vec<&str> = roles.iter().map(|(role, _)| role.name()).collect();
                return Err((name.span(), unknown(&format!("program of {lab}"), name.get_ref(), &roles)));
            };
            if argv.get_ref().first().is_none_or(String::is_empty) {
                return Err((argv.span(), "an empty command: name at least the program to run".into()));
            }
            programs.insert(role, argv.into_inner());
        }
        if programs.is_empty() {
            let example = format!("{} = [\"./{}\"]", roles[0].0, roles[0].1);
            return Err((whole, format!("no program is named, for example {example}")));
        }
        let build = self.build.map(Spanned::into_inner);
        Ok(Manifest { lab, models, build, requires: self.requires, programs })
    }
}

/// The parser's words, with a mend for what is got wrong most.
fn explained(message: &str) -> String {
    let mend = match message {
        "missing field `lab`" => "; add a line: lab = \"lab1\"",
        "missing field `programs`" => "; add [programs] and a line below it: server = [\"./web-server\"]",
        _ if message.ends_with("expected a sequence") => {
            "; commands are lists of words: [\"python3\", \"server.py\"]"
        }
        _ => "",
    };
    format!("{}{mend}", toml_error::explained(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, TomlError> {
        Manifest::parse(text, Path::new(FILE_NAME))
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_contract_s_example_is_read() {
        let manifest = parse(
            "lab = \"lab1\"\nmodels = [\"pool\"]\nbuild = [\"make\"]\n[programs]\n\
             server = [\"python3\", \"server.py\"]\nclient = [\"python3\", \"client.py\"]\n",
        )
        .unwrap();
        assert_eq!(manifest.lab, Lab::Lab1);
        assert_eq!(manifest.models, [Model::Pool]);
        assert_eq!(manifest.build, Some(vec!["make".to_owned()]));
        assert_eq!(manifest.programs[&Role::Server], ["python3", "server.py"]);
        assert_eq!(manifest.programs.len(), 2);
    }

    #[test]
    fn without_models_both_are_meant() {
        let manifest = parse("lab = \"lab2\"\nprograms.proxy = [\"./p\"]").unwrap();
        assert_eq!(manifest.models, Model::ALL);
        assert_eq!(manifest.build, None);
    }

    #[test]
    fn what_it_requires_of_the_system_is_read() {
        let manifest = parse("lab = \"lab1\"\nrequires = [\"nginx\"]\nprograms.server = [\"./s\"]").unwrap();
        assert_eq!(manifest.requires, ["nginx"]);
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_place_and_the_nearest() {
        assert_eq!(
            error("lab = \"lab1\"\n\nbiuld = [\"make\"]\n[programs]\nserver = [\"s\"]\n"),
            "wirelab.toml:3:1: there is no key \"biuld\"; did you mean \"build\"?\n  3 | biuld = [\"make\"]\n    | ^^^^^"
        );
    }

    #[test]
    fn a_misspelt_role_is_named_with_its_place_and_the_nearest() {
        assert_eq!(
            error("lab = \"lab1\"\n[programs]\n  sevrer = [\"s\"]\n"),
            "wirelab.toml:3:3: there is no program of lab1 \"sevrer\"; did you mean \"server\"?\n  \
             3 |   sevrer = [\"s\"]\n    |   ^^^^^^"
        );
    }

    #[test]
    fn a_role_of_another_lab_is_answered_with_this_lab_s() {
        let error = error("lab = \"lab1\"\n[programs]\nproxy = [\"s\"]\n");
        assert!(
            error.contains(":3:1: there is no program of lab1 \"proxy\"; there is server, client\n"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_lab_or_model_is_pointed_at() {
        assert!(
            error("lab = \"lab\"\n[programs]\n")
                .contains(":1:7: there is no lab \"lab\"; did you mean \"lab1\"?")
        );
        let error = error("lab = \"lab1\"\nmodels = [\"pool\", \"threads\"]\n[programs]\n");
        assert!(error.contains(":2:19: there is no model \"threads\"; there is pool, fork"), "{error}");
    }

    #[test]
    fn a_command_that_is_no_list_is_mended() {
        let error = error("lab = \"lab1\"\n[programs]\nserver = \"python3 server.py\"\n");
        assert!(error.starts_with("wirelab.toml:3:10: "), "{error}");
        assert!(error.contains("commands are lists of words: [\"python3\", \"server.py\"]"), "{error}");
    }

    #[test]
    fn what_is_missing_is_said_with_an_example() {
        assert!(
            error("[programs]\nserver = [\"s\"]\n")
                .contains("missing field `lab`; add a line: lab = \"lab1\"")
        );
        assert!(error("lab = \"lab1\"\n").contains("missing field `programs`; add [programs]"));
        assert!(error("lab = \"lab3\"\n[programs]\n").contains("for example ping = [\"./ping\"]"));
        assert!(error("lab = \"lab1\"\n[programs]\nserver = []\n").contains(":3:10: an empty command"));
        assert!(error("lab = \"lab1\"\nbuild = []\n[programs]\n").contains(":2:9: an empty command"));
        assert!(error("lab = \"lab1\"\nmodels = []\n[programs]\n").contains(":2:10: no model is left"));
    }

    #[test]
    fn broken_toml_is_pointed_at() {
        let error = error("lab = \"lab1\"\n[programs\nserver = [\"s\"]\n");
        assert!(error.starts_with("wirelab.toml:2:10: "), "{error}");
    }

    #[test]
    fn columns_count_characters() {
        let error = error("lab = \"läb1\"\n[programs]\n\"sérver\" = [\"s\"]\n");
        assert!(error.contains(":1:7: there is no lab \"läb1\"; did you mean \"lab1\"?"), "{error}");
        assert!(error.ends_with("|       ^^^^^^"), "{error}");
    }
}
