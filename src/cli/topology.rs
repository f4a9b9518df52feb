//! `-smp`: from the counts that are given to all of them.

use super::config::Smp;
use crate::base::Result;
use crate::{error, fail};
use serde::Serialize;

/// The levels from the outermost to the innermost.
const LEVELS: [&str; 8] = ["drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"];
const SOCKETS: usize = 2;
const CORES: usize = 6;
const THREADS: usize = 7;

/// How many CPUs there are and how they are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Topology {
    /// CPUs at the start.
    pub cpus: u32,
    /// CPUs that there can be: the product of the levels.
    pub max_cpus: u32,
    pub drawers: u32,
    pub books: u32,
    pub sockets: u32,
    pub dies: u32,
    pub clusters: u32,
    pub modules: u32,
    pub cores: u32,
    pub threads: u32,
}

impl Smp {
    /// Sets one count; of several the last one counts.
    ///
    /// # Errors
    /// An unknown key, a value that is no count, or zero.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<()> {
        if !LEVELS.contains(&key) && !["cpus", "maxcpus"].contains(&key) {
            fail!("Parameter 'smp.{key}' is unexpected: there are cpus, maxcpus, {}", LEVELS.join(", "));
        }
        let count = value.parse().map_err(|_| error!("Parameter 'smp.{key}' expects a number, not '{value}'"))?;
        if count == 0 {
            fail!("Invalid CPU topology: CPU topology parameters must be greater than zero");
        }
        self.counts.insert(key.into(), count);
        Ok(())
    }

    /// Every count. What is not given follows from what is; the rest goes to cores.
    ///
    /// # Errors
    /// Counts that contradict each other.
    pub fn topology(&self) -> Result<Topology> {
        let given = |key: &str| self.counts.get(key).copied();
        let cpus = given("cpus");
        let limit = given("maxcpus").or(cpus);
        let mut counts = LEVELS.map(|level| given(level).unwrap_or(0));
        for (n, count) in counts.iter_mut().enumerate() {
            if ![SOCKETS, CORES, THREADS].contains(&n) {
                *count = (*count).max(1);
            }
        }
        // The level that takes what is left: cores, else sockets, else threads.
        let open = [CORES, SOCKETS, THREADS].into_iter().find(|&n| counts[n] == 0);
        for n in [SOCKETS, CORES, THREADS] {
            if Some(n) != open || limit.is_none() {
                counts[n] = counts[n].max(1);
            }
        }
        if let (Some(open), Some(limit)) = (open, limit) {
            let others = counts.iter().enumerate().filter(|(n, _)| *n != open);
            let others = others.fold(1u64, |all, (_, count)| all.saturating_mul(u64::from(*count)));
            counts[open] = (u64::from(limit) / others.max(1)) as u32;
        }
        let product: u64 = counts.iter().try_fold(1u64, |all, c| all.checked_mul(u64::from(*c))).unwrap_or(u64::MAX);
        let max_cpus = limit.map_or(product, u64::from);
        if product != max_cpus {
            fail!(
                "Invalid CPU topology: product of the hierarchy must match maxcpus: {} != maxcpus ({max_cpus})",
                describe(&counts)
            );
        }
        let max_cpus = u32::try_from(max_cpus).map_err(|_| error!("Invalid CPU topology: {} CPUs", max_cpus))?;
        let cpus = cpus.unwrap_or(max_cpus);
        if cpus > max_cpus {
            fail!(
                "Invalid CPU topology: maxcpus must be equal to or greater than smp: {} == maxcpus ({max_cpus}) < smp_cpus ({cpus})",
                describe(&counts)
            );
        }
        let [drawers, books, sockets, dies, clusters, modules, cores, threads] = counts;
        Ok(Topology { cpus, max_cpus, drawers, books, sockets, dies, clusters, modules, cores, threads })
    }
}

/// `sockets (1) * cores (3) * threads (1)`: the levels that matter.
fn describe(counts: &[u32; 8]) -> String {
    let always = [SOCKETS, CORES, THREADS];
    let shown = (0..8).filter(|n| always.contains(n) || counts[*n] != 1);
    shown.map(|n| format!("{} ({})", LEVELS[n], counts[n])).collect::<Vec<_>>().join(" * ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smp(pairs: &[(&str, &str)]) -> Result<Topology> {
        let mut smp = Smp::default();
        pairs.iter().try_for_each(|(key, value)| smp.set(key, value))?;
        smp.topology()
    }

    #[test]
    fn what_is_not_given_goes_to_cores_then_sockets_then_threads() {
        let shape = |t: Topology| (t.cpus, t.max_cpus, t.sockets, t.cores, t.threads);
        assert_eq!(shape(smp(&[]).unwrap()), (1, 1, 1, 1, 1));
        assert_eq!(shape(smp(&[("cpus", "4")]).unwrap()), (4, 4, 1, 4, 1));
        assert_eq!(shape(smp(&[("cores", "2"), ("threads", "8")]).unwrap()), (16, 16, 1, 2, 8));
        assert_eq!(shape(smp(&[("cpus", "2"), ("maxcpus", "8"), ("cores", "2")]).unwrap()), (2, 8, 4, 2, 1));
        assert_eq!(shape(smp(&[("cpus", "8"), ("sockets", "2"), ("cores", "2")]).unwrap()), (8, 8, 2, 2, 2));
        assert_eq!(shape(smp(&[("cpus", "4"), ("sockets", "2")]).unwrap()), (4, 4, 2, 2, 1));
    }

    #[test]
    fn contradictions_are_refused() {
        for (pairs, says) in [
            (&[("cpus", "0")][..], "greater than zero"),
            (&[("cpus", "x")], "expects a number"),
            (&[("foo", "1")], "'smp.foo' is unexpected"),
            (&[("cpus", "4"), ("cores", "3"), ("maxcpus", "4")], "cores (3) * threads (1) != maxcpus (4)"),
            (&[("cpus", "8"), ("maxcpus", "4")], "maxcpus must be equal to or greater"),
            (&[("sockets", "4000000000"), ("cores", "4000000000"), ("threads", "4000000000")], "Invalid CPU topology"),
        ] {
            let text = smp(pairs).unwrap_err().to_string();
            assert!(text.contains(says), "{text}");
        }
    }
}
