//! What a check is: data, and a plain function.
//!
//! The checks of a lab stand in `const` tables, one a group (`checks/lab1/files.rs` …). The tables are the
//! only registry: their order is the order in which a student meets the checks.
//!
//! Every check cites a sentence of the contract or a requirement of an RFC. A check with neither does not
//! exist.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::trial::Trial;
use crate::verdict::Verdict;

/// One of the four labs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lab {
    Lab1,
    Lab2,
    Lab3,
    Lab4,
}

impl Lab {
    /// Every lab whose checks exist.
    pub const ALL: &'static [Lab] = &[Lab::Lab1, Lab::Lab2, Lab::Lab3, Lab::Lab4];

    /// The word on the command line: `lab1`.
    pub const fn name(self) -> &'static str {
        match self {
            Lab::Lab1 => "lab1",
            Lab::Lab2 => "lab2",
            Lab::Lab3 => "lab3",
            Lab::Lab4 => "lab4",
        }
    }

    /// What is built in it.
    pub const fn title(self) -> &'static str {
        match self {
            Lab::Lab1 => "web server",
            Lab::Lab2 => "caching proxy",
            Lab::Lab3 => "UDP ping",
            Lab::Lab4 => "SMTP client",
        }
    }

    /// The folder below `labs/` and `solutions/`.
    pub const fn folder(self) -> &'static str {
        match self {
            Lab::Lab1 => "lab1-web-server",
            Lab::Lab2 => "lab2-caching-proxy",
            Lab::Lab3 => "lab3-udp-ping",
            Lab::Lab4 => "lab4-smtp-client",
        }
    }

    /// Roles and the binaries that fill them in a Cargo package (contract, "Submissions").
    pub const fn programs(self) -> &'static [(Role, &'static str)] {
        match self {
            Lab::Lab1 => &[(Role::Server, "web-server"), (Role::Client, "web-client")],
            Lab::Lab2 => &[(Role::Proxy, "proxy")],
            Lab::Lab3 => &[(Role::Ping, "ping"), (Role::Echo, "echo")],
            Lab::Lab4 => &[(Role::Mail, "mail")],
        }
    }

    /// The titles of the stages, the first being stage 1.
    pub const fn stages(self) -> &'static [&'static str] {
        match self {
            Lab::Lab1 => crate::checks::lab1::STAGES,
            Lab::Lab2 => crate::checks::lab2::STAGES,
            Lab::Lab3 => crate::checks::lab3::STAGES,
            Lab::Lab4 => crate::checks::lab4::STAGES,
        }
    }

    /// The checks, in the order in which they are met.
    pub fn checks(self) -> impl Iterator<Item = &'static Check> {
        let groups: &[&[Check]] = match self {
            Lab::Lab1 => crate::checks::lab1::GROUPS,
            Lab::Lab2 => crate::checks::lab2::GROUPS,
            Lab::Lab3 => crate::checks::lab3::GROUPS,
            Lab::Lab4 => crate::checks::lab4::GROUPS,
        };
        groups.iter().copied().flatten()
    }

    /// Ids of the checks that for the most part wait for time to pass. Begun first, they wait while others work.
    pub const fn waiting(self) -> &'static [&'static str] {
        match self {
            Lab::Lab4 => crate::checks::lab4::WAITING,
            Lab::Lab1 | Lab::Lab2 | Lab::Lab3 => &[],
        }
    }
}

impl fmt::Display for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Lab {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Lab::ALL
            .iter()
            .copied()
            .find(|lab| lab.name() == word || lab.folder() == word)
            .ok_or_else(|| format!("there is no lab {word:?}"))
    }
}

/// The part a program plays on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Server,
    Client,
    Proxy,
    Ping,
    Echo,
    Mail,
}

impl Role {
    /// The key in `wirelab.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Client => "client",
            Role::Proxy => "proxy",
            Role::Ping => "ping",
            Role::Echo => "echo",
            Role::Mail => "mail",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a check goes beyond what everyone is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Everyone.
    Core,
    /// Edge cases.
    Robust,
    /// Bonus, on top of the 100 points of core and robust.
    Extension,
}

impl Tier {
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Core => "core",
            Tier::Robust => "robust",
            Tier::Extension => "extension",
        }
    }
}

/// Where a check's authority comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// A MUST or MUST NOT of the RFC named in [`Check::clause`].
    Must,
    /// A SHOULD or SHOULD NOT of the RFC named in [`Check::clause`].
    Should,
    /// The lab's contract.
    Contract,
}

impl Basis {
    /// The word a person reads behind the clause.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::Must => "MUST",
            Basis::Should => "SHOULD",
            Basis::Contract => "contract",
        }
    }
}

/// One check of one behaviour.
pub struct Check {
    /// Stable words, never a position: `web.files.binary`.
    pub id: &'static str,
    /// A sentence in the present tense that is true of a right program.
    pub title: &'static str,
    pub lab: Lab,
    /// Counted from 1; see [`Lab::stages`].
    pub stage: u8,
    pub tier: Tier,
    /// Core and robust checks of a lab add up to 100; extensions come on top.
    pub points: u32,
    /// The program it tries.
    pub role: Role,
    /// Ids of the checks without which this one could say nothing: true preconditions only.
    pub needs: &'static [&'static str],
    pub basis: Basis,
    /// `RFC 9110 §9.3.2`, or `contract, lab 1`.
    pub clause: &'static str,
    /// The rule and its reason in plain words, one to three sentences.
    pub why: &'static str,
    /// What nginx, Apache and others do; empty where nothing is worth telling.
    pub peers: &'static str,
    /// From a nudge to nearly the answer; at least one.
    pub hints: &'static [&'static str],
    pub run: fn(&mut Trial) -> Verdict,
}

impl Check {
    /// The chapter that teaches what this check tries, from the root of the repository: `book/src/lab1/stage-02.md`.
    pub fn chapter(&self) -> String {
        format!("book/src/{}/stage-{:02}.md", self.lab, self.stage)
    }

    /// The clause with the RFC's level: `RFC 9110 §9.3.2, MUST`.
    pub fn authority(&self) -> String {
        match self.basis {
            Basis::Contract => self.clause.to_owned(),
            basis => format!("{}, {}", self.clause, basis.name()),
        }
    }
}

/// The check with this id, in any lab.
pub fn find(id: &str) -> Option<&'static Check> {
    Lab::ALL.iter().flat_map(|lab| lab.checks()).find(|check| check.id == id)
}

/// Whether `id` is `prefix` or lies below it: `web.framing` holds `web.framing.chunked`, not `web.framings`.
pub fn lies_below(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_is_there_once_and_of_the_form_of_words_with_dots() {
        let mut seen = BTreeSet::new();
        for check in Lab::ALL.iter().flat_map(|lab| lab.checks()) {
            assert!(seen.insert(check.id), "{} is there twice", check.id);
            let well_formed = check.id.split('.').all(|word| {
                !word.is_empty()
                    && word.bytes().all(|octet| octet.is_ascii_lowercase() || b"-0123456789".contains(&octet))
            });
            assert!(well_formed && check.id.contains('.'), "{}", check.id);
        }
    }

    #[test]
    fn core_and_robust_checks_of_a_lab_add_up_to_100_points_and_extensions_to_20() {
        for lab in Lab::ALL {
            let sum = |extension: bool| -> u32 {
                lab.checks()
                    .filter(|check| (check.tier == Tier::Extension) == extension)
                    .map(|c| c.points)
                    .sum()
            };
            assert_eq!((sum(false), sum(true)), (100, 20), "{lab}");
        }
    }

    #[test]
    fn what_a_check_needs_is_met_before_it() {
        for lab in Lab::ALL {
            let ids: Vec<&str> = lab.checks().map(|check| check.id).collect();
            for (at, check) in lab.checks().enumerate() {
                for need in check.needs {
                    assert!(
                        ids[..at].contains(need),
                        "{} needs {need}, which does not come before it",
                        check.id
                    );
                }
            }
        }
    }

    #[test]
    fn what_waits_is_a_check_of_its_lab() {
        for lab in Lab::ALL {
            for id in lab.waiting() {
                assert!(lab.checks().any(|check| check.id == *id), "{id}");
            }
        }
    }

    #[test]
    fn stages_climb_and_every_stage_has_a_check() {
        for lab in Lab::ALL {
            let stages: Vec<u8> = lab.checks().map(|check| check.stage).collect();
            assert!(stages.is_sorted(), "{lab}");
            let there: BTreeSet<u8> = stages.into_iter().collect();
            assert_eq!(there, (1..=lab.stages().len() as u8).collect(), "{lab}");
        }
    }

    #[test]
    fn every_check_says_its_rule_its_reason_and_a_hint() {
        for check in Lab::ALL.iter().flat_map(|lab| lab.checks()) {
            assert!(!check.hints.is_empty() && check.why.ends_with('.'), "{}", check.id);
            let contract = check.basis == Basis::Contract;
            assert!(check.clause.starts_with(if contract { "contract" } else { "RFC " }), "{}", check.id);
        }
    }

    #[test]
    fn a_prefix_ends_at_a_dot() {
        assert!(lies_below("web.files.binary", "web.files"));
        assert!(!lies_below("web.files.binary", "web.file"));
    }
}
