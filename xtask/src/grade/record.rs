//! One submission's result, as data: `results/records/STUDENT.json`.

use std::collections::BTreeMap;
use std::fmt;

use harness::check::Lab;
use harness::report::Report;
use serde::{Deserialize, Serialize};

/// The version of the JSON form.
pub const SCHEMA: &str = "wirelab.grade/1";

/// All that is known of one student's submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    pub lab: Lab,
    pub student: Student,
    /// `None` where the student handed in nothing.
    pub submission: Option<Submission>,
    pub status: Status,
    /// What a person must know of the status: the compiler's words, the limit that was met, the rule that was broken.
    pub words: String,
    /// What confined the program; `None` where nothing was run.
    pub sandbox: Option<Confinement>,
    pub build_ms: Option<u64>,
    /// The harness's report; there is one where the status is [`Status::Graded`].
    pub report: Option<Report>,
    pub score: Score,
    /// What somebody should look at; no points hang on it.
    pub flags: Vec<Flag>,
    /// When it was graded, RFC 3339 in UTC.
    pub graded_at: String,
    /// SHA-256 of the course rules that made the score.
    #[serde(default)]
    pub course: String,
    /// The version of wirelab that judged it, with a digest of its executable.
    #[serde(default)]
    pub wirelab: String,
}

/// Who handed it in, as the roster has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Student {
    /// Unique in a class; names the record's file, so it is made of letters, digits, `.`, `_`, `@`, `+` and `-`.
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    /// Further columns of the roster, for grade books, named in lower case: `sis user id`, `section`.
    pub extra: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The folder, archive or checkout, as it was found, relative to the folder of submissions.
    pub source: String,
    /// SHA-256 of what was taken in: names and contents.
    pub digest: String,
    /// By which rule its name is the student's: `its name is the id`.
    #[serde(default)]
    pub named_by: String,
    /// When it was handed in, RFC 3339 in UTC, where the system that collected it says so.
    pub received: Option<String>,
    /// When the folder or archive was last changed, RFC 3339 in UTC; that counts where the course says so.
    #[serde(default)]
    pub modified: Option<String>,
    /// Others by the same student that were not taken, and why.
    pub passed_over: Vec<String>,
    /// Files that were left out, and why; shortened where there are many.
    pub left_out: Vec<String>,
}

/// How grading one submission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Graded,
    /// Nothing was handed in, or nothing that could be a submission to this lab.
    Missing,
    BuildError,
    /// Building or judging took longer than the course allows.
    Timeout,
    /// It met a limit of memory, disk or processes while it was built.
    Resource,
    /// It broke a rule of intake: an archive that leaves its folder, a build command that is not allowed.
    Policy,
    /// The fault of the machine or of wirelab: tried again by the next run, and never a zero.
    InfraError,
}

impl Status {
    /// As a person reads it.
    pub const fn words(self) -> &'static str {
        match self {
            Status::Graded => "graded",
            Status::Missing => "nothing handed in",
            Status::BuildError => "does not build",
            Status::Timeout => "out of time",
            Status::Resource => "out of resources",
            Status::Policy => "refused",
            Status::InfraError => "not judged",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How far a program under test was confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Namespaces, system calls, memory and processes limited.
    Full,
    /// Another user, file system rules, system calls and limits a process.
    Reduced,
    /// Nothing, by an explicit flag.
    None,
}

/// What was in force while the program was built and run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    pub tier: Tier,
    /// Each limit in force, in words: `memory 512 MiB (cgroup v1)`.
    pub in_force: Vec<String>,
    /// What the machine lacks for the next better tier.
    pub lacking: Vec<String>,
}

/// Points by the course's rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What the course gives in the end.
    pub points: f64,
    /// Of so many.
    pub of: f64,
    /// Each rule that changed the points, in order, in words: `2 days late: -20 %`.
    pub because: Vec<String>,
    /// The harness broke in some check, or the status is an infrastructure error: not to be published.
    pub held: bool,
    /// The student need not hand in: no points, and no zero.
    #[serde(default)]
    pub excused: bool,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Flag {
    /// Checks that failed once and then passed.
    Flaky { checks: Vec<String> },
    /// The same program, normalised, as another student's, or as the reference (`with` is then `the reference`).
    Copy { with: String, share: f64 },
    /// The program left processes behind.
    LeftBehind { processes: usize },
    /// An override of the instructor's.
    Override { reason: String },
}
