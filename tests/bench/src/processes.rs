//! What the kernel says of a process (proc(5)).

use std::path::PathBuf;

use harness::processes::descendants;

/// What a process takes, in MB (1,000,000 bytes).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Private and changed: what would be free without it.
    pub(crate) unique: f64,
    /// Its share of all that it has mapped.
    pub(crate) proportional: f64,
}

impl Memory {
    /// # Panics
    /// If the process is gone.
    pub(crate) fn of(id: u32) -> Self {
        Self::read(id).unwrap_or_else(|| panic!("process {id} is gone"))
    }

    /// Of a process and all that it has started.
    pub(crate) fn of_tree(id: u32) -> Self {
        // One may end meanwhile.
        let each = descendants(id).into_iter().filter_map(|process| Self::read(process.id));
        each.fold(Self::of(id), |all, one| Self {
            unique: all.unique + one.unique,
            proportional: all.proportional + one.proportional,
        })
    }

    fn read(id: u32) -> Option<Self> {
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let megabytes = |name: &str| {
            let field = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            Some(field.trim().trim_end_matches(" kB").parse::<f64>().ok()? * 1024.0 / 1e6)
        };
        Some(Self { unique: megabytes("Private_Dirty:")?, proportional: megabytes("Pss:")? })
    }
}

/// The first process of this name that the benchmark has started, directly or not.
///
/// # Panics
/// If none runs.
pub(crate) fn process(name: &str) -> u32 {
    let mut all = descendants(std::process::id()).into_iter();
    all.find(|process| process.name == name).unwrap_or_else(|| panic!("{name} does not run")).id
}

/// How often its threads have gone to sleep, each of which ends in a wake-up.
pub(crate) fn wake_ups(id: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("its threads");
    let sleeps = threads.map(|thread| {
        // A thread may end meanwhile.
        let status = std::fs::read_to_string(thread.expect("a thread").path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<f64>().ok()).unwrap_or_default()
    });
    sleeps.sum()
}

/// Seconds of processor time of all its threads.
pub(crate) fn processor_time(id: u32) -> f64 {
    let stat = read(id, "stat");
    let (_, fields) = stat.rsplit_once(')').expect("the name in brackets");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms; two are before the bracket.
    (11..=12).map(|index| fields[index].parse::<f64>().expect("ticks") / 100.0).sum()
}

/// Seconds that its main thread ran, and that it was ready and waited for a processor.
pub(crate) fn main_thread(id: u32) -> [f64; 2] {
    let numbers = read(id, &format!("task/{id}/schedstat"));
    let mut numbers = numbers.split_whitespace().map(|number| number.parse::<f64>().expect("nanoseconds") / 1e9);
    [0; 2].map(|_| numbers.next().expect("two numbers"))
}

fn read(id: u32, file: &str) -> String {
    let path: PathBuf = ["/proc", &id.to_string(), file].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
