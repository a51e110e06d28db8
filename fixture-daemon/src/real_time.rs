//! The rights by which light is timed: a real-time thread and memory that stays where it is.

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// The lamp threads' priority among real-time threads, 1 to 99: above everything of the daemon, below the kernel's own
/// interrupt threads at 50.
pub const PRIORITY: u8 = 45;

/// Makes the calling thread a real-time one (`SCHED_FIFO`).
///
/// # Errors
/// The system does not allow it; its words.
pub fn claim() -> Result<(), String> {
    claim_at(PRIORITY)
}

/// Makes the calling thread a real-time one below the lamps': for whoever holds a bus that a lamp may be waiting for, and must not be put
/// off meanwhile.
///
/// # Errors
/// The system does not allow it; its words.
pub fn claim_below_the_lamps() -> Result<(), String> {
    claim_at(PRIORITY - 1)
}

fn claim_at(priority: u8) -> Result<(), String> {
    let priority = ThreadPriorityValue::try_from(priority)?;
    set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
    )
    .map_err(|error| error.to_string())
}

/// Whether a thread of this process may be a real-time one; tried on a thread that ends at once.
///
/// # Errors
/// The system does not allow it; its words.
pub fn allowed() -> Result<(), String> {
    std::thread::spawn(claim)
        .join()
        .unwrap_or_else(|_| Err("the thread that tried ended early".to_owned()))
}

/// Keeps the process's memory from being paged out.
///
/// Memory to come is locked as well only where the limit is infinite: under a finite one, a later allocation would fail instead.
///
/// # Errors
/// The system does not allow it; its words.
pub fn keep_memory() -> Result<(), String> {
    let (limit, _) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(|error| error.to_string())?;
    let mut flags = MlockAllFlags::MCL_CURRENT;
    if limit == RLIM_INFINITY {
        flags |= MlockAllFlags::MCL_FUTURE;
    }
    mlockall(flags).map_err(|error| error.desc().to_owned())
}
