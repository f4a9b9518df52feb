//! Where engines stop for a debugger: running with points set must stop exactly where single steps would.

use super::*;
use crate::cpu::{Points, Watchpoint};

/// Where and why it stopped, with everything that the guest had done by then.
type Stop = (u64, Exit, Vec<u64>, Vec<u8>);

/// Watches a few ranges of the memory that programs use, and breaks at a few of their instructions.
fn points(r: &mut Random, length: usize) -> Points {
    let watchpoint = |r: &mut Random| Watchpoint {
        // Addresses of programs are often at the edges of their memory.
        start: r.pick(&[0, 1, CODE - 8, CODE - 1, r.0 % CODE]),
        length: r.pick(&[1, 2, 4, 8, 16, 600, 5000]),
        loads: r.below(2) == 0,
        stores: r.below(2) == 0,
    };
    let watchpoints = (0..r.below(4)).map(|_| watchpoint(r)).collect();
    let breakpoints = (0..r.below(4)).map(|_| CODE + 4 * r.below(length) as u64).collect();
    Points { breakpoints, watchpoints }
}

impl Bench {
    fn set(&mut self, points: &Points) {
        self.cpu.board.debug.change(|own| own.clone_from(points));
        self.cpu.flush_all();
        self.engine.forget_code(&mut self.cpu);
    }

    fn code(&self) -> Vec<u8> {
        let mut code = vec![0; (RAM_SIZE - CODE) as usize];
        self.ram.read(CODE, &mut code);
        code
    }

    fn stop(&self, exit: Exit) -> Stop {
        let (slots, memory, _) = self.state();
        (self.cpu.pc, exit, slots, memory)
    }

    /// Gets over an instruction that a watchpoint stops at, as gdb does.
    fn get_over(&mut self, exit: Exit, points: &Points) {
        if matches!(exit, Exit::Watchpoint(_)) {
            self.set(&Points { watchpoints: Vec::new(), ..points.clone() });
            assert_eq!(self.engine.step(&mut self.cpu, true), Exit::Stepped);
            self.set(points);
        }
    }

    /// The stops of a run, the last of which is the program's own.
    fn run_stops(&mut self, points: &Points) -> Vec<Stop> {
        let mut stops = Vec::new();
        loop {
            let exit = self.engine.run(&mut self.cpu);
            stops.push(self.stop(exit));
            self.get_over(exit, points);
            if exit == Exit::Asked || stops.len() == 50 {
                return stops;
            }
        }
    }

    /// The stops that single steps say there are.
    fn step_stops(&mut self, points: &Points) -> Vec<Stop> {
        let mut stops = Vec::new();
        loop {
            let exit = self.engine.step(&mut self.cpu, true);
            match exit {
                Exit::Stepped if self.cpu.remote.stop_asked() => stops.push(self.stop(Exit::Asked)),
                Exit::Stepped if points.breakpoints.contains(&self.cpu.pc) => stops.push(self.stop(Exit::Breakpoint)),
                Exit::Stepped => continue,
                exit => {
                    stops.push(self.stop(exit));
                    self.get_over(exit, points);
                }
            }
            if stops.last().is_some_and(|stop| stop.1 == Exit::Asked) || stops.len() == 50 {
                return stops;
            }
        }
    }
}

#[test]
fn runs_stop_where_single_steps_do() {
    let (mut stepped, mut interpreted, mut compiled) =
        (bench(interpreter), bench(interpreter), bench(compiler(HostFeatures::detect())));
    let (mut watch_hits, mut breakpoint_hits) = (0, 0);
    for seed in 0..1000 {
        let mut r = Random(seed);
        let program = program(&mut r, 30);
        let points = points(&mut r, 30);
        let start = |bench: &mut Bench| {
            bench.load(&program, seed);
            bench.set(&points);
        };
        start(&mut stepped);
        start(&mut interpreted);
        start(&mut compiled);
        let want = stepped.step_stops(&points);
        if stepped.code() != interpreted.code() {
            // It changed its own code, which a block need not notice before its end.
            continue;
        }
        let brief = |stops: &[Stop]| stops.iter().map(|stop| (stop.0, stop.1)).collect::<Vec<_>>();
        for (name, bench) in [("interpreter", &mut interpreted), ("compiler", &mut compiled)] {
            let got = bench.run_stops(&points);
            assert_eq!(brief(&got), brief(&want), "{name}, seed {seed}");
            for (got, want) in got.iter().zip(&want) {
                let slots: Vec<usize> = (0..got.2.len()).filter(|n| got.2[*n] != want.2[*n]).collect();
                assert!(
                    slots.is_empty() && got.3 == want.3,
                    "{name}, seed {seed}: {:#x}, slots {slots:?} differ",
                    got.0
                );
            }
        }
        watch_hits += want.iter().filter(|stop| matches!(stop.1, Exit::Watchpoint(_))).count();
        breakpoint_hits += want.iter().filter(|stop| stop.1 == Exit::Breakpoint).count();
    }
    assert!(watch_hits > 100 && breakpoint_hits > 100, "{watch_hits} {breakpoint_hits}");
}

#[test]
fn a_step_leaves_the_compiler_its_tables() {
    let mut bench = bench(compiler(HostFeatures::detect()));
    let mut r = Random(3);
    let program = program(&mut r, 20);
    let want = bench.run(&program, 3);
    bench.load(&program, 3);
    // Steps in between must not leave anything in the fetch TLB that code would follow.
    for _ in 0..10 {
        assert_eq!(bench.engine.step(&mut bench.cpu, true), Exit::Stepped);
    }
    assert_eq!(bench.engine.run(&mut bench.cpu), Exit::Asked);
    assert_eq!(bench.state(), want);
}
