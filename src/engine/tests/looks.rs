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

#[test]
fn what_was_asked_of_others_is_waited_for_at_the_barrier() {
    let board = bench(interpreter).cpu.board.clone();
    let remotes: Arc<[Arc<Remote>]> = vec![Remote::new(), Remote::new()].into();
    let [mut asks, mut other] =
        [0, 1].map(|index| Cpu::new(index, Arc::new(Toy), board.clone(), remotes.clone(), None));
    let ask = |cpu: &mut Cpu| (0..3).for_each(|id| cpu.ask_others_until_barrier(Request::FlushSpace(id), |_| true));
    asks.remote.begin();
    ask(&mut asks);
    assert!(asks.is_asking() && !asks.pins.wants_attention(), "not yet");
    assert_eq!(crate::engine::left(&mut asks, Why::Sync), None);
    assert!(asks.pins.wants_attention());
    assert_eq!(crate::engine::serve(&mut asks), None, "the other one does not run");
    assert!(!asks.is_asking() && asks.remote.is_running());
    // One that runs is waited for, while this one uses no translations; unless this one is to stop.
    other.remote.begin();
    ask(&mut asks);
    asks.remote.ask_stop(true);
    assert_eq!(crate::engine::serve(&mut asks), Some(Exit::Asked));
    assert!(asks.is_asking() && !asks.remote.is_running());
    asks.remote.ask_stop(false);
    asks.remote.begin();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| crate::engine::serve(&mut asks));
        while !other.pins.wants_attention() {
            std::thread::yield_now();
        }
        assert_eq!(crate::engine::serve(&mut other), None);
        assert_eq!(waits.join().unwrap(), None);
    });
    assert!(!asks.is_asking());
}
