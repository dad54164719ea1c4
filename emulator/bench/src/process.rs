//! CPU time and memory of processes, from `/proc`.

use std::fs;
use std::time::Duration;

/// The unit of `/proc`, independent of the kernel's.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processes with separate CPU times, in the order of [`Processes`].
pub(crate) const PARTS: [&str; 4] = ["patient app", "audit app", "bench", "mongod"];

/// Their ids: both handlers; this process with hosts, gateway and clients; mongod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes(pub(crate) [u32; PARTS.len()]);

impl Processes {
    /// The CPU time of each process so far.
    pub(crate) fn cpu_times(&self) -> [Duration; PARTS.len()] {
        self.0.map(cpu_time)
    }
}

/// The CPU time of all processes of the machine so far; zero if the kernel does not report it. It
/// is counted in ticks.
pub(crate) fn cpu_time_of_all() -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "));
    let fields = line.unwrap_or_default().split_whitespace();
    let ticks = fields.map_while(|field| field.parse::<f64>().ok());
    // user, nice, system, (idle, iowait,) irq, softirq, steal; user includes the later fields.
    let busy = ticks.take(8).enumerate().filter(|(field, _)| !matches!(field, 3 | 4));
    Duration::from_secs_f64(busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND)
}

/// User and system time of all threads in nanoseconds; zero if the kernel does not report it.
///
/// `/proc/PID/stat` counts ticks of 10 ms, which is too coarse for a phase of a second.
fn cpu_time(process_id: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{process_id}/task")) else {
        return Duration::ZERO;
    };
    let on_cpu_ns = |thread: fs::DirEntry| -> Option<u64> {
        let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(threads.flatten().filter_map(on_cpu_ns).sum())
}

/// The current and the peak resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process_id: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}
