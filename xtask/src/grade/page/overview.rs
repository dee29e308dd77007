//! A class as its page shows it, gathered a record at a time: of 10,000 reports, one at a time is in memory.

use std::collections::{BTreeMap, HashMap};

use harness::check::Lab;
use harness::report::{CheckReport, Outcome, Report};

use super::signature;
use crate::grade::html::capped;
use crate::grade::record::{self, Flag, Record, Score, Status, Student};

/// The longest of a student's words that a class page shows at once.
pub const WORDS: usize = 300;

/// How one check ended for one student.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// It was not among the checks that were run.
    #[default]
    Absent,
    Passed,
    Failed,
    Blocked,
    Flaky,
    Broken,
    Skipped,
}

impl Cell {
    pub const TRIED: [Cell; 6] =
        [Cell::Passed, Cell::Failed, Cell::Blocked, Cell::Flaky, Cell::Broken, Cell::Skipped];

    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Cell::Passed,
            Outcome::Failed { .. } => Cell::Failed,
            Outcome::Blocked { .. } => Cell::Blocked,
            Outcome::Flaky { .. } => Cell::Flaky,
            Outcome::Broken { .. } => Cell::Broken,
            Outcome::Skipped { .. } => Cell::Skipped,
        }
    }

    pub fn sign(self) -> char {
        match self {
            Cell::Absent => ' ',
            Cell::Passed => '·',
            Cell::Failed => '✘',
            Cell::Blocked => '–',
            Cell::Flaky => '~',
            Cell::Broken => '!',
            Cell::Skipped => 'o',
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Cell::Absent => "not run",
            Cell::Passed => "passed",
            Cell::Failed => "failed",
            Cell::Blocked => "blocked",
            Cell::Flaky => "flaky",
            Cell::Broken => "broken",
            Cell::Skipped => "skipped",
        }
    }

    pub fn earns(self) -> bool {
        matches!(self, Cell::Passed | Cell::Flaky)
    }
}

/// A check, as a column of the matrix.
#[derive(Clone, Debug)]
pub struct Column {
    pub id: String,
    pub title: String,
    pub stage: u8,
}

/// A student, as a row of the matrix.
#[derive(Clone, Debug)]
pub struct Row {
    pub student: Student,
    pub status: Status,
    pub words: String,
    pub score: Score,
    pub flags: Vec<Flag>,
    /// By column; shorter where the last columns are absent.
    pub cells: Vec<Cell>,
    /// Column and cluster of each failure, in the order of columns.
    pub failures: Vec<(usize, usize)>,
}

/// Failures of one check that are of one kind.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub column: usize,
    /// What they have in common.
    pub kind: String,
    /// The words of the first.
    pub example: String,
    /// Numbers of rows.
    pub rows: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub lab: Option<Lab>,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// Submissions that are nobody's, with the reason.
    pub strangers: Vec<String>,
    pub clusters: Vec<Cluster>,
    /// How many were run in which tier of confinement.
    pub confinements: BTreeMap<record::Tier, usize>,
    /// When the first and the last were graded.
    pub graded: Option<(String, String)>,
    numbers: HashMap<String, usize>,
    kinds: HashMap<(usize, String), usize>,
}

impl<'a> FromIterator<&'a Record> for Overview {
    fn from_iter<I: IntoIterator<Item = &'a Record>>(records: I) -> Self {
        let mut overview = Overview::default();
        records.into_iter().for_each(|record| overview.add(record));
        overview
    }
}

impl Overview {
    pub fn add(&mut self, record: &Record) {
        if self.lab.is_none() {
            self.begin(record.lab);
        }
        if let Some(sandbox) = &record.sandbox {
            *self.confinements.entry(sandbox.tier).or_default() += 1;
        }
        let at = &record.graded_at;
        self.graded = Some(match self.graded.take() {
            None => (at.clone(), at.clone()),
            Some((first, last)) => (first.min(at.clone()), last.max(at.clone())),
        });
        let number = self.rows.len();
        let (mut cells, mut failures) = (Vec::new(), Vec::new());
        if let Some(report) = &record.report {
            for check in &report.checks {
                let column = self.column(check);
                if cells.len() <= column {
                    cells.resize(column + 1, Cell::Absent);
                }
                cells[column] = Cell::of(&check.outcome);
                if let Some(cluster) = self.cluster(report, check, column) {
                    self.clusters[cluster].rows.push(number);
                    failures.push((column, cluster));
                }
            }
        }
        failures.sort_unstable();
        self.rows.push(Row {
            student: record.student.clone(),
            status: record.status,
            words: capped(&record.words, WORDS),
            score: record.score.clone(),
            flags: record.flags.clone(),
            cells,
            failures,
        });
    }

    /// The number of the column of this check.
    pub fn number(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// Columns in which anything was tried, by stage.
    pub fn stages(&self) -> Vec<(u8, Vec<usize>)> {
        let mut stages: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
        let mut tried = vec![false; self.columns.len()];
        for row in &self.rows {
            for (tried, cell) in tried.iter_mut().zip(&row.cells) {
                *tried |= *cell != Cell::Absent;
            }
        }
        for (number, column) in self.columns.iter().enumerate().filter(|&(number, _)| tried[number]) {
            stages.entry(column.stage).or_default().push(number);
        }
        stages.into_iter().collect()
    }

    /// The lab's own checks come first, in their order.
    fn begin(&mut self, lab: Lab) {
        self.lab = Some(lab);
        for check in lab.checks() {
            let (id, title) = (check.id.to_owned(), check.title.to_owned());
            self.numbers.insert(id.clone(), self.columns.len());
            self.columns.push(Column { id, title, stage: check.stage });
        }
    }

    fn column(&mut self, check: &CheckReport) -> usize {
        *self.numbers.entry(check.id.clone()).or_insert_with(|| {
            self.columns.push(Column {
                id: check.id.clone(),
                title: check.title.clone(),
                stage: check.stage,
            });
            self.columns.len() - 1
        })
    }

    fn cluster(&mut self, report: &Report, check: &CheckReport, column: usize) -> Option<usize> {
        let failure = check.failure()?;
        let kind = signature::of(failure, &report.program);
        let known = self.kinds.entry((column, kind.clone()));
        Some(*known.or_insert_with(|| {
            let words = &failure.failure;
            let example =
                format!("expected {}; seen {}", capped(&words.expected, WORDS), capped(&words.seen, WORDS));
            self.clusters.push(Cluster { column, kind, example, rows: Vec::new() });
            self.clusters.len() - 1
        }))
    }
}

impl Row {
    pub fn cell(&self, column: usize) -> Cell {
        self.cells.get(column).copied().unwrap_or_default()
    }

    /// Points of the maximum, from 0 to 1; `None` where there is nothing to publish.
    pub fn share(&self) -> Option<f64> {
        (!self.score.held && self.score.of > 0.0).then(|| self.score.points / self.score.of)
    }
}
