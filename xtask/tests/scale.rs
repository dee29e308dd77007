//! Grading on several machines: the samples in `fixtures/scale/` keep the schemas of those who run them, and the one for
//! Slurm is run by a real Slurm.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use assert_cmd::Command as Asserted;
use harness::deadline::{Deadline, poll_until};
use harness::subject::{Launch, Running, Supervisor, ports};
use predicates::str::contains;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");

/// Slurm schedules in waves of some seconds, and a busy machine may take its time.
const PATIENCE: Duration = Duration::from_secs(240);

const STUDENTS: [&str; 6] = ["ada", "bob", "cyd", "dan", "eve", "fay"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a parent").to_path_buf()
}

#[test]
fn each_sample_keeps_its_published_schema() {
    let validators: [(&str, &str, &[&str]); 4] = [
        ("fixtures/scale/github.yml", "check_jsonschema", &["--builtin-schema", "vendor.github-workflows"]),
        ("xtask/handout/labs.yml", "check_jsonschema", &["--builtin-schema", "vendor.github-workflows"]),
        ("fixtures/scale/gitlab.yml", "check_jsonschema", &["--builtin-schema", "vendor.gitlab-ci"]),
        ("fixtures/scale/kubernetes.yml", "kubernetes_validate", &["--strict"]),
    ];
    for (sample, module, words) in validators {
        if !python(&["-c", &format!("import {module}")]).status.success() {
            eprintln!("{sample} is skipped: the Python package {module} is not installed");
            continue;
        }
        let path = root().join(sample).display().to_string();
        let words: Vec<&str> = ["-m", module].iter().chain(words).copied().chain([path.as_str()]).collect();
        let said = python(&words);
        let all = String::from_utf8_lossy(&said.stdout) + String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{sample}: {all}");
    }
}

/// Python with the packages that `.ci/run` keeps in target/.
fn python(words: &[&str]) -> Output {
    let packages = root().join("target/python");
    let run = Command::new("python3").args(words).env("PYTHONPATH", packages).output();
    run.unwrap_or_else(|error| Output {
        status: std::os::unix::process::ExitStatusExt::from_raw(127 << 8),
        stdout: Vec::new(),
        stderr: error.to_string().into_bytes(),
    })
}

#[test]
fn an_array_of_slurm_grades_a_class_whose_shards_merge() {
    if let Some(why) = lacking() {
        eprintln!("Slurm is skipped: {why}");
        return;
    }
    let deadline = Deadline::after(PATIENCE);
    let folder = tempfile::Builder::new().prefix("wl-slurm-").tempdir().expect("a directory");
    let course = Course::new(folder.path());
    let slurm = Slurm::start(folder.path(), deadline);

    let mut array = slurm.client("sbatch");
    array
        .args(["--wait", "--array=1-2", "--output", &course.name("%a.log")])
        .arg("fixtures/scale/slurm.sbatch")
        .args(["--sandbox", "none", "--course", &course.name("course.toml")])
        .current_dir(root())
        .env("XTASK", XTASK)
        .env("LAB", "lab3");
    for (variable, name) in [
        ("SUBMISSIONS", "submissions"),
        ("ROSTER", "roster.csv"),
        ("RESULTS", "results"),
        ("SEED", "class.seed"),
    ] {
        array.env(variable, course.path(name));
    }
    let ended = array.output().expect("sbatch runs");
    let logs: String =
        ["1.log", "2.log"].iter().filter_map(|log| fs::read_to_string(course.path(log)).ok()).collect();
    assert!(ended.status.success(), "{}\n{logs}", String::from_utf8_lossy(&ended.stderr));

    let shards = ["results/shard-1", "results/shard-2"].map(|shard| course.records(shard));
    assert!(shards.iter().all(|shard| !shard.is_empty()), "{shards:?}");
    assert!(shards[0].is_disjoint(&shards[1]), "{shards:?}");

    let merge = |shards: &[&str], out: &str| {
        let mut command = Asserted::new(XTASK);
        command.args(["grade", "merge"]).args(shards.iter().map(|shard| course.path(shard)));
        command.arg("--roster").arg(course.path("roster.csv")).arg("--out").arg(course.path(out));
        command.assert()
    };
    merge(&["results/shard-1"], "half").code(1).stdout(contains("nothing is written"));
    merge(&["results/shard-1", "results/shard-2"], "class").success();
    assert_eq!(course.records("class"), BTreeSet::from(STUDENTS.map(str::to_owned)));
}

/// What Slurm needs and this machine has not.
fn lacking() -> Option<String> {
    let paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    let installed = |program: &str| paths.iter().any(|path| path.join(program).is_file());
    if let Some(program) = ["munged", "slurmctld", "slurmd", "sbatch"].iter().find(|name| !installed(name)) {
        return Some(format!("{program} is not installed"));
    }
    let root = nix::unistd::Uid::effective().is_root();
    (!root).then(|| "slurmd wants to be started by root".to_owned())
}

/// A class that hands in scripts which fail at once.
struct Course<'a>(&'a Path);

impl<'a> Course<'a> {
    fn new(folder: &'a Path) -> Self {
        let course = Course(folder);
        let rows: String = STUDENTS.iter().map(|id| format!("{id},{id},{id}@x.org\n")).collect();
        fs::write(course.path("roster.csv"), format!("id,name,email\n{rows}")).expect("a roster");
        fs::write(course.path("course.toml"), "[languages]\nscripts = true\n").expect("rules");
        for id in STUDENTS {
            let dir = course.path("submissions").join(id);
            fs::create_dir_all(&dir).expect("a folder");
            fs::write(dir.join("wirelab.toml"), "lab = \"lab3\"\nprograms.ping = [\"sh\", \"ping\"]\n")
                .expect("a manifest");
            fs::write(dir.join("ping"), "exit 2\n").expect("a script");
        }
        course
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Whose results there are.
    fn records(&self, results: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path(results).join("records")).expect("records");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    }
}

/// One machine that is controller and node at once. Each daemon runs under a supervisor of the harness, which ends it and
/// whatever it has started.
struct Slurm {
    configuration: PathBuf,
    _daemons: Vec<Running>,
}

impl Slurm {
    fn start(folder: &Path, deadline: Deadline) -> Self {
        let dir = folder.join("slurm");
        for name in ["munge", "state", "spool"] {
            fs::create_dir_all(dir.join(name)).expect("a folder");
        }
        let configuration = dir.join("slurm.conf");
        let leases = [(); 2].map(|()| ports::lease().expect("a free port"));
        let [controller, node] = leases.each_ref().map(|lease| lease.port());
        fs::write(&configuration, configured(&dir, controller, node)).expect("a configuration");
        let key: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(64).collect();
        let munge = dir.join("munge");
        fs::write(munge.join("key"), key).expect("a key");
        fs::set_permissions(munge.join("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a key of our own");

        let supervisor = Supervisor { exe: XTASK.into() };
        let start = |argv: &[String]| {
            let launch = Launch::new(argv, &dir).env("SLURM_CONF", &configuration);
            launch.start(&supervisor, deadline).unwrap_or_else(|error| panic!("{}: {error}", argv[0]))
        };
        let option = |name: &str, file: &str| format!("--{name}={}", munge.join(file).display());
        let munged = ["/usr/sbin/munged".to_owned(), "--foreground".to_owned()].into_iter().chain(
            [
                ("key-file", "key"),
                ("socket", "socket"),
                ("pid-file", "pid"),
                ("log-file", "log"),
                ("seed-file", "seed"),
            ]
            .map(|(name, file)| option(name, file)),
        );
        let mut daemons = vec![start(&munged.collect::<Vec<_>>())];
        let socket = munge.join("socket");
        let up = poll_until(deadline, || socket.exists().then_some(()));
        assert!(up.is_some(), "munged: {}", daemons[0].last_words());
        for program in ["slurmctld", "slurmd"] {
            daemons.push(start(&[format!("/usr/sbin/{program}"), "-D".to_owned()]));
        }
        let slurm = Slurm { configuration, _daemons: daemons };
        let idle = poll_until(deadline, || {
            let said =
                slurm.client("sinfo").args(["--noheader", "--format=%T"]).output().expect("sinfo runs");
            (said.stdout == b"idle\n").then_some(())
        });
        let words = || slurm._daemons.iter().map(Running::last_words).collect::<Vec<_>>().join("\n");
        assert!(idle.is_some(), "no node is idle:\n{}", words());
        slurm
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", &self.configuration);
        command
    }
}

fn configured(dir: &Path, controller: u16, node: u16) -> String {
    let host = nix::unistd::gethostname().expect("a name").into_string().expect("in UTF-8");
    let host = host.split('.').next().unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let dir = dir.display();
    format!(
        "ClusterName=wirelab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={dir}/munge/socket
CredType=cred/munge
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
"
    )
}
