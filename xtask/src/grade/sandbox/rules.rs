//! What a program may not ask of the kernel: system calls by seccomp, files by Landlock.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use anyhow::{Context, Result, ensure};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

use super::confined::Files;

/// What no program of a lab has a use for, and what reaches beyond its room or wears the kernel down: keys, which
/// other submissions could read; other ways past these rules; tracing; name spaces and mounts; the machine itself.
const FORBIDDEN: &[i64] = &[
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
];

/// Families of sockets that the labs speak, and NETLINK, with which a library asks for the machine's addresses.
const FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Flags of `clone` that make a new namespace.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32 as u64;

/// From now on this process and all it starts do without these system calls.
pub fn restrict_calls() -> Result<()> {
    let argument = |at, length, operator, value| SeccompCondition::new(at, length, operator, value);
    let (whole, half) = (SeccompCmpArgLen::Qword, SeccompCmpArgLen::Dword);
    let mut forbidden: BTreeMap<i64, Vec<SeccompRule>> =
        FORBIDDEN.iter().map(|&call| (call, Vec::new())).collect();
    let mut namespaces = Vec::new();
    for bit in (0..u32::BITS).map(|bit| 1 << bit).filter(|bit| NAMESPACES & bit != 0) {
        let flag = argument(0, whole.clone(), SeccompCmpOp::MaskedEq(bit), bit)?;
        namespaces.push(SeccompRule::new(vec![flag])?);
    }
    forbidden.insert(libc::SYS_clone, namespaces);
    // Puts words into a terminal's mouth.
    let push = argument(1, half.clone(), SeccompCmpOp::Eq, libc::TIOCSTI)?;
    forbidden.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![push])?]);

    let others = FAMILIES
        .iter()
        .map(|&family| argument(0, half.clone(), SeccompCmpOp::Ne, family as u64))
        .collect::<Result<Vec<_>, _>>()?;
    let families = BTreeMap::from([(libc::SYS_socket, vec![SeccompRule::new(others)?])]);
    // Its flags stand in memory, where no filter sees them; the library then takes `clone`.
    let unseen = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);

    for (calls, error) in [(forbidden, libc::EPERM), (families, libc::EAFNOSUPPORT), (unseen, libc::ENOSYS)] {
        let refuse = SeccompAction::Errno(error as u32);
        let filter = SeccompFilter::new(calls, SeccompAction::Allow, refuse, ARCH.try_into()?)?;
        apply_filter(&BpfProgram::try_from(filter)?).context("the kernel refuses the filter")?;
    }
    Ok(())
}

/// The oldest Landlock that will do: one that knows files, and `truncate`.
const NEEDED: ABI = ABI::V3;

/// From now on this process and all it starts see only these files; and send no signal and speak to no abstract socket
/// outside, where the kernel knows how to forbid that.
pub fn restrict_files(files: &Files) -> Result<()> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    let each = [(&files.read, AccessFs::from_read(ABI::V5)), (&files.write, AccessFs::from_all(ABI::V5))];
    for (paths, access) in each {
        for path in paths {
            // What a machine does not have need not be allowed.
            let Ok(opened) = PathFd::new(path) else { continue };
            let access = if path.is_dir() { access } else { access & AccessFs::from_file(ABI::V5) };
            rules = rules.add_rule(PathBeneath::new(opened, access))?;
        }
    }
    let status = rules.restrict_self()?;
    ensure!(status.ruleset != RulesetStatus::NotEnforced, "this kernel has none");
    Ok(())
}
