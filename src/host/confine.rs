//! `-sandbox` and `-overcommit mem-lock=`: what the host's kernel lets this process do, and what it must not do with
//! its memory.

use crate::base::Result;
use crate::error;
use rustix::mm::{MlockAllFlags, mlockall};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// What the process may still do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// System calls that nobody needs any more.
    pub obsolete: bool,
    /// Become another user.
    pub elevate_privileges: bool,
    /// Start other programs.
    pub spawn: bool,
    /// Change priorities and CPU affinities.
    pub resource_control: bool,
}

/// What no emulator does: QEMU's list.
const NEVER: &[i64] = &[
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_afs_syscall,
    libc::SYS_getpmsg,
    libc::SYS_putpmsg,
    libc::SYS_security,
    libc::SYS_tuxcall,
    libc::SYS_vserver,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_pivot_root,
];

const OBSOLETE: &[i64] = &[libc::SYS__sysctl, libc::SYS_sysfs, libc::SYS_uselib, libc::SYS_ustat];

const ELEVATE: &[i64] = &[
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
];

const SPAWN: &[i64] =
    &[libc::SYS_fork, libc::SYS_vfork, libc::SYS_execve, libc::SYS_execveat, libc::SYS_setns, libc::SYS_unshare];

const RESOURCES: &[i64] = &[
    libc::SYS_setpriority,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setaffinity,
    libc::SYS_ioprio_set,
];

/// The same call by the x32 way in, where the host has that.
const X32: i64 = 0x4000_0000;

/// From now on the process is killed when one of its threads makes a system call that is not allowed. Privileges cannot
/// be gained by starting programs, whatever is allowed.
///
/// # Errors
/// When the host has no filters of system calls.
pub fn confine(allowed: Allowed) -> Result<()> {
    let mut deadly: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let groups = [
        (NEVER, false),
        (OBSOLETE, allowed.obsolete),
        (ELEVATE, allowed.elevate_privileges),
        (SPAWN, allowed.spawn),
        (RESOURCES, allowed.resource_control),
    ];
    for call in groups.iter().filter(|(_, allowed)| !allowed).flat_map(|(calls, _)| *calls) {
        deadly.insert(*call, Vec::new());
        deadly.insert(*call | X32, Vec::new());
    }
    if !allowed.spawn {
        // Threads are still started.
        let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, thread, 0).map_err(|e| refused(&e))?;
        for call in [libc::SYS_clone, libc::SYS_clone | X32] {
            deadly.insert(call, vec![SeccompRule::new(vec![condition.clone()]).map_err(|e| refused(&e))?]);
        }
        // Its flags are out of a filter's sight; C libraries then take the older call.
        install([libc::SYS_clone3, libc::SYS_clone3 | X32].map(|call| (call, Vec::new())).into(), absent())?;
    }
    install(deadly, SeccompAction::KillProcess)
}

fn absent() -> SeccompAction {
    SeccompAction::Errno(libc::ENOSYS as u32)
}

fn install(calls: BTreeMap<i64, Vec<SeccompRule>>, action: SeccompAction) -> Result<()> {
    let host = std::env::consts::ARCH.try_into().map_err(|e| refused(&e))?;
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, action, host).map_err(|e| refused(&e))?;
    let program: BpfProgram = filter.try_into().map_err(|e| refused(&e))?;
    apply_filter_all_threads(&program).map_err(|e| refused(&e))
}

fn refused(e: &dyn std::fmt::Display) -> crate::base::Error {
    error!("the host does not confine this process: {e}")
}

/// Keeps all memory of this process in RAM, now and later; `on_fault`: what has been touched.
///
/// # Errors
/// When the host does not let us, mostly for `ulimit -l`.
pub fn lock_memory(on_fault: bool) -> Result<()> {
    let mut flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE;
    flags.set(MlockAllFlags::ONFAULT, on_fault);
    mlockall(flags).map_err(|e| error!("locking memory failed: {e}; ulimit -l says how much may be locked"))
}
