//! What an engine looks at when it begins to run a vCPU.

use super::*;

#[test]
fn what_was_announced_before_a_stop_is_served_behind_it() {
    for make in
        [interpreter as fn(Arc<Mailbox>) -> Box<dyn Engine>, |mailbox| compiler(HostFeatures::detect())(mailbox)]
    {
        let mut bench = bench(make);
        bench.load(&[STOP_WORD; 10], 1);
        let cpu = &mut bench.cpu;
        cpu.pins.set(0, true);
        cpu.remote.ask_stop(true);
        assert_eq!(bench.engine.run(cpu), Exit::Asked);
        assert_eq!(cpu.get(TRAPS), 0);
        cpu.remote.ask_stop(false);
        assert_eq!(bench.engine.run(cpu), Exit::Asked);
        assert_eq!(cpu.get(TRAPS), 1, "the interrupt that was due when it stopped");
    }
}
