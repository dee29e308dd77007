//! A part of a class: the same students for the same number, whatever the order of the roster.

use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Part `index` of `count`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    pub index: u64,
    pub count: u64,
}

/// As it is asked for: `hash:2/8`, `auto`, `auto:8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Hash(Shard),
    /// By the variables of whoever runs this; the number of shards, where those do not say it.
    Auto(Option<u64>),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is none of hash:K/N (K from 1 to N), auto, auto:N");
        if text == "auto" {
            return Ok(Asked::Auto(None));
        }
        if let Some(count) = text.strip_prefix("auto:") {
            return count
                .parse()
                .ok()
                .filter(|&count| count > 0)
                .map(|count| Asked::Auto(Some(count)))
                .ok_or_else(wrong);
        }
        let (index, count) =
            text.strip_prefix("hash:").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let shard =
            Shard { index: index.parse().map_err(|_| wrong())?, count: count.parse().map_err(|_| wrong())? };
        shard.sound().then_some(Asked::Hash(shard)).ok_or_else(wrong)
    }
}

impl Asked {
    /// `variable` reads the environment.
    pub fn shard(self, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
        let told = match self {
            Asked::Hash(shard) => return Ok(shard),
            Asked::Auto(told) => told,
        };
        let number = |name: &str| -> Result<Option<u64>, String> {
            let text = variable(name).filter(|text| !text.is_empty());
            text.map(|text| text.parse().map_err(|_| format!("${name} is {text:?}, and no number")))
                .transpose()
        };
        // Each: the index, from what it counts, in which steps, and how many there are.
        let runners = [
            (
                "SLURM_ARRAY_TASK_ID",
                Some("SLURM_ARRAY_TASK_MIN"),
                Some("SLURM_ARRAY_TASK_STEP"),
                Some("SLURM_ARRAY_TASK_COUNT"),
                0,
            ),
            ("JOB_COMPLETION_INDEX", None, None, None, 0),
            ("CI_NODE_INDEX", None, None, Some("CI_NODE_TOTAL"), 1),
            ("BUILDKITE_PARALLEL_JOB", None, None, Some("BUILDKITE_PARALLEL_JOB_COUNT"), 0),
        ];
        for (index_name, first, step, count_name, counts_from) in runners {
            let Some(index) = number(index_name)? else { continue };
            let first = first.map(number).transpose()?.flatten().unwrap_or(counts_from);
            let step = step.map(number).transpose()?.flatten().filter(|&step| step > 0).unwrap_or(1);
            let count = count_name.map(number).transpose()?.flatten().or(told);
            let count = count.ok_or_else(|| {
                format!("${index_name} says which shard this is, and nothing of how many: auto:N")
            })?;
            let shard = Shard { index: index.saturating_sub(first) / step + 1, count };
            let sound = shard.sound() && index >= first;
            return sound
                .then_some(shard)
                .ok_or_else(|| format!("${index_name} is {index}, and there are {count} shards"));
        }
        Err("nothing here says which shard this is (Slurm, Kubernetes, GitLab, Buildkite): hash:K/N"
            .to_owned())
    }
}

impl Shard {
    fn sound(self) -> bool {
        (1..=self.count).contains(&self.index)
    }

    pub fn takes(self, id: &str) -> bool {
        let digest = Sha256::digest(id);
        let hash = digest.iter().take(8).fold(0_u64, |hash, &octet| hash << 8 | u64::from(octet));
        hash % self.count == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(told: Option<u64>, variables: &[(&str, &str)]) -> Result<Shard, String> {
        Asked::Auto(told).shard(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_student_is_in_exactly_one_shard() {
        let mut sizes = [0; 4];
        for number in 0..1000 {
            let id = format!("student{number}");
            let takers: Vec<u64> = (1..=4).filter(|&index| Shard { index, count: 4 }.takes(&id)).collect();
            assert_eq!(takers.len(), 1, "{id}");
            sizes[takers[0] as usize - 1] += 1;
        }
        assert!(sizes.iter().all(|size| (200..300).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_shard_is_stable() {
        assert!(Shard { index: 1, count: 1 }.takes("ada"));
        let of = |id: &str| (1..=8).find(|&index| Shard { index, count: 8 }.takes(id));
        assert_eq!([of("ada"), of("bob"), of("eve")], [Some(7), Some(3), Some(4)]);
    }

    #[test]
    fn it_is_read_as_it_is_typed() {
        assert_eq!("hash:2/8".parse(), Ok(Asked::Hash(Shard { index: 2, count: 8 })));
        assert_eq!("auto".parse(), Ok(Asked::Auto(None)));
        assert_eq!("auto:4".parse(), Ok(Asked::Auto(Some(4))));
        for wrong in ["", "1/2", "hash:0/2", "hash:3/2", "hash:1/0", "auto:0", "slice:1/2", "hash:x/2"] {
            assert!(wrong.parse::<Asked>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_runner_says_which_shard_it_is() {
        let shard = |index, count| Ok(Shard { index, count });
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "5"), ("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(auto(None, &slurm), shard(3, 4));
        let stepped = [
            ("SLURM_ARRAY_TASK_ID", "8"),
            ("SLURM_ARRAY_TASK_MIN", "0"),
            ("SLURM_ARRAY_TASK_STEP", "4"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ];
        assert_eq!(auto(None, &stepped), shard(3, 3));
        assert_eq!(auto(Some(4), &[("JOB_COMPLETION_INDEX", "0")]), shard(1, 4));
        assert!(auto(None, &[("JOB_COMPLETION_INDEX", "0")]).unwrap_err().ends_with("auto:N"));
        assert_eq!(auto(None, &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")]), shard(1, 2));
        let buildkite = [("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "2")];
        assert_eq!(auto(None, &buildkite), shard(2, 2));
        assert!(auto(Some(4), &[("JOB_COMPLETION_INDEX", "4")]).is_err());
        assert!(auto(None, &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")]).is_err());
        assert!(auto(None, &[("CI_NODE_INDEX", "x")]).unwrap_err().contains("no number"));
        assert!(auto(None, &[]).is_err());
    }
}
