//! A lab's package as we have it: its manifest, its lock file and its dependencies, built.
//!
//! A submission's sources are put into this package, and so nothing but `src/` of it is ever Cargo's to read. What is
//! built already was built under another package's name: Cargo looks at times to tell whether a package has changed, and
//! finds none of this name.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::check::Lab;
use nix::fcntl::{Flock, FlockArg};
use toml::{Table, Value};

use super::Sandbox;
use crate::commands::starters::generate;
use crate::grade::inner;
use crate::grade::judge::Limits;
use crate::grade::record::Tier;
use crate::workspace;

/// See the module.
pub struct Template {
    /// `target/` with what is built, `Cargo.toml` and `Cargo.lock` of the package.
    pub dir: PathBuf,
}

/// The name of the package under which the dependencies are built.
const WARM_UP: &str = "warm-up";

/// How long the dependencies may take.
const BUILDING: Duration = Duration::from_secs(900);

impl Template {
    /// Takes the one that is there, or builds it.
    pub fn ready(lab: Lab, sandbox: &Sandbox) -> Result<Self> {
        let manifest = manifest(lab)?;
        let lock =
            fs::read_to_string(workspace::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let mut hasher = DefaultHasher::new();
        (&manifest, lock, &sandbox.toolchain.version, sandbox.tier() == Tier::Full).hash(&mut hasher);
        let place = match sandbox.tier() {
            Tier::Full => place(),
            _ => sandbox.tools()?.templates.clone(),
        };
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        // What is in there may be anybody's to write to.
        fs::set_permissions(&place, Permissions::from_mode(0o700))?;
        let dir = place.join(format!("{lab}-{:016x}", hasher.finish()));
        let lock = fs::File::create(place.join(format!("{lab}.lock")))?;
        let _one_at_a_time = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        if !dir.join("Cargo.lock").is_file() {
            let _ = fs::remove_dir_all(&dir);
            build(lab, &manifest, &dir, sandbox)
                .with_context(|| format!("cannot build the dependencies of {lab}"))?;
        }
        Ok(Self { dir })
    }
}

/// Where they are kept from run to run.
pub fn place() -> PathBuf {
    workspace::state().join("grade")
}

/// Our manifest of the lab's package: the solution's dependencies and programs, and no tests. In a kit without
/// solutions (a platform's autograder) the lab is the starter, and ours as well.
fn manifest(lab: Lab) -> Result<String> {
    let solution = workspace::solution(lab);
    let package = if solution.is_dir() { solution } else { workspace::lab(lab) };
    let path = package.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut table: Table = toml::from_str(&text).with_context(|| path.display().to_string())?;
    table.remove("dev-dependencies");
    table.remove("lints");
    let Some(Value::Table(package)) = table.get_mut("package") else {
        bail!("{} has no package", path.display())
    };
    package.insert("build".to_owned(), false.into());
    for kind in ["autobenches", "autoexamples", "autotests"] {
        package.insert(kind.to_owned(), false.into());
    }
    table.insert("workspace".to_owned(), Table::new().into());
    // Nothing that speeds the next build up is worth its time: there is no next one.
    let dev = Table::from_iter([("debug".to_owned(), 0.into()), ("incremental".to_owned(), false.into())]);
    table.insert("profile".to_owned(), Table::from_iter([("dev".to_owned(), dev.into())]).into());
    render(&table)
}

fn render(table: &Table) -> Result<String> {
    toml::to_string(table).context("cannot write a manifest")
}

fn build(lab: Lab, manifest: &str, dir: &Path, sandbox: &Sandbox) -> Result<()> {
    let making = tempfile::tempdir_in(dir.parent().unwrap_or(dir))?;
    fs::set_permissions(making.path(), Permissions::from_mode(0o777))?;
    let package = tempfile::tempdir()?;
    fs::set_permissions(package.path(), Permissions::from_mode(0o755))?;
    write_package(package.path(), manifest)?;
    generate::lock(&workspace::root(), package.path())?;
    fetch(package.path())?;
    fs::copy(package.path().join("Cargo.lock"), making.path().join("lock"))?;

    let mut dummy: Table = toml::from_str(manifest)?;
    if let Some(Value::Table(package)) = dummy.get_mut("package") {
        package.insert("name".to_owned(), WARM_UP.into());
    }
    dummy.remove("bin");
    write_package(package.path(), &render(&dummy)?)?;
    generate::lock(&workspace::root(), package.path())?;
    let limits = Limits {
        build: BUILDING,
        judge: BUILDING,
        memory: 4 << 30,
        processes: 1024,
        disk: 4 << 30,
        patience: 1.0,
        checks: 1,
    };
    inner::warm_up(lab, sandbox, making.path(), package.path(), &limits)?;
    open_to_all(making.path())?;
    fs::write(making.path().join("Cargo.toml"), manifest)?;
    fs::rename(making.path().join("lock"), making.path().join("Cargo.lock"))?;
    fs::rename(making.keep(), dir)?;
    Ok(())
}

fn write_package(dir: &Path, manifest: &str) -> Result<()> {
    fs::create_dir_all(dir.join("src"))?;
    fs::write(dir.join("Cargo.toml"), manifest)?;
    fs::write(dir.join("src/main.rs"), "fn main() {}\n")?;
    Ok(())
}

/// All crates that the package needs here; from the network only what was never fetched before.
fn fetch(package: &Path) -> Result<()> {
    let fetched = Command::new(workspace::cargo())
        .args(["fetch", "--locked", "--quiet", "--target", &host()?])
        .current_dir(package)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .context("cannot run cargo")?;
    ensure!(fetched.status.success(), "cargo fetch: {}", String::from_utf8_lossy(&fetched.stderr).trim());
    Ok(())
}

fn host() -> Result<String> {
    let version = output("rustc", &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell for what it compiles")?.to_owned())
}

fn output(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(workspace::root())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The user who builds is another one each time; who may come here at all is a matter of the folder above.
fn open_to_all(path: &Path) -> Result<()> {
    let data = path.symlink_metadata()?;
    if data.is_symlink() {
        return Ok(());
    }
    let more = if data.is_dir() || data.permissions().mode() & 0o100 != 0 { 0o777 } else { 0o666 };
    fs::set_permissions(path, Permissions::from_mode(data.permissions().mode() | more))?;
    if data.is_dir() {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    Ok(())
}

/// The compiler, and the crates that Cargo has fetched.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub sysroot: PathBuf,
    pub registry: PathBuf,
    pub version: String,
}

impl Toolchain {
    pub fn find() -> Result<Self> {
        let sysroot = PathBuf::from(output("rustc", &["--print", "sysroot"])?);
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
        let registry = home.context("there is no home for Cargo: set CARGO_HOME")?.join("registry");
        Ok(Self { sysroot, registry, version: output("rustc", &["-vV"])? })
    }

    /// The compiler where another user can come to it: in `place` if not where it is.
    pub fn sysroot_within_reach(&self, place: &Path) -> Result<PathBuf> {
        // Documentation and the library's sources are no part of building.
        let keeps = |path: &Path| !["share", "lib/rustlib/src"].map(Path::new).contains(&path);
        within_reach(&self.sysroot, &place.join("rust"), &keeps)
    }

    /// The same of the crates; of a copy, those in our lock file.
    pub fn registry_within_reach(&self, place: &Path) -> Result<PathBuf> {
        let lock =
            fs::read_to_string(workspace::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
        let lock: Table = toml::from_str(&lock).context("Cargo.lock")?;
        let mut known = BTreeSet::new();
        for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
            let word = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
            let (name, version) = (word("name"), word("version"));
            known.extend([name.to_owned(), format!("{name}-{version}"), format!("{name}-{version}.crate")]);
        }
        // index/HOST/.cache/na/me/name, cache/HOST/name-1.0.0.crate, src/HOST/name-1.0.0/…
        within_reach(&self.registry, &place.join("registry"), &|path| {
            let names: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            match &names[..] {
                [kind, _, name] if kind != "index" => known.contains(&**name),
                [_, _, cache, .., name] if cache == ".cache" && names.len() > 4 => {
                    known.contains(&**name) || self.registry.join(path).is_dir()
                }
                _ => true,
            }
        })
    }
}

/// A copy of `path` as `copy` where another user cannot come to the original: of links, if both are on one disk. `keeps`
/// says what of it is wanted.
fn within_reach(path: &Path, copy: &Path, keeps: &dyn Fn(&Path) -> bool) -> Result<PathBuf> {
    let blocked = |dir: &Path| dir.metadata().is_ok_and(|data| data.permissions().mode() & 0o001 == 0);
    if !path.ancestors().any(blocked) {
        return Ok(path.to_owned());
    }
    if !copy.is_dir() {
        let making = copy.with_extension("unfinished");
        link_all(path, Path::new(""), &making, keeps)
            .with_context(|| format!("cannot copy {}", path.display()))?;
        fs::rename(making, copy)?;
    }
    Ok(copy.to_owned())
}

fn link_all(root: &Path, below: &Path, to: &Path, keeps: &dyn Fn(&Path) -> bool) -> Result<()> {
    let from = root.join(below);
    if !from.symlink_metadata()?.is_dir() {
        return Ok(fs::hard_link(&from, to).or_else(|_| fs::copy(&from, to).map(drop))?);
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(&from)? {
        let name = entry?.file_name();
        let path = below.join(&name);
        if keeps(&path) {
            link_all(root, &path, &to.join(name), keeps)?;
        }
    }
    Ok(())
}
