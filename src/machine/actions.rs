//! What follows from a guest's doings: `-no-reboot`, `-no-shutdown`, `-action`, `-watchdog-action`.

/// All of it; a monitor may change it while the machine runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// A reset ends the run: `-no-reboot`.
    pub reboot_exits: bool,
    /// A power-off only pauses: `-no-shutdown`.
    pub shutdown_pauses: bool,
    /// A reported panic.
    pub panic: PanicAction,
    /// A watchdog that was not fed.
    pub watchdog: WatchdogAction,
}

/// `-action panic=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PanicAction {
    /// Pause.
    Pause,
    /// Leave with code 0, or pause where a power-off does.
    #[default]
    Shutdown,
    /// Leave with code 1.
    ExitFailure,
    /// Nothing.
    None,
}

/// `-action watchdog=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchdogAction {
    /// Reset the board, as if the guest had asked for it.
    #[default]
    Reset,
    /// Press the power button.
    Shutdown,
    /// Leave with code 0.
    Poweroff,
    /// Pause.
    Pause,
    /// Say so on stderr.
    Debug,
    /// Nothing.
    None,
}

/// What follows from a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPanic {
    /// The guest goes on.
    Run,
    /// The machine pauses.
    Pause,
    /// The run ends.
    Poweroff,
}

impl PanicAction {
    /// Every action with QEMU's name of it.
    pub const ALL: &[(&str, PanicAction)] = &[
        ("pause", PanicAction::Pause),
        ("shutdown", PanicAction::Shutdown),
        ("exit-failure", PanicAction::ExitFailure),
        ("none", PanicAction::None),
    ];

    /// The action called `name`.
    pub fn named(name: &str) -> Option<PanicAction> {
        PanicAction::ALL.iter().find(|(own, _)| *own == name).map(|(_, action)| *action)
    }
}

impl WatchdogAction {
    /// Every action with QEMU's name of it. `inject-nmi` is not there: no board has NMIs.
    pub const ALL: &[(&str, WatchdogAction)] = &[
        ("reset", WatchdogAction::Reset),
        ("shutdown", WatchdogAction::Shutdown),
        ("poweroff", WatchdogAction::Poweroff),
        ("pause", WatchdogAction::Pause),
        ("debug", WatchdogAction::Debug),
        ("none", WatchdogAction::None),
    ];

    /// The action called `name`.
    pub fn named(name: &str) -> Option<WatchdogAction> {
        WatchdogAction::ALL.iter().find(|(own, _)| *own == name).map(|(_, action)| *action)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        WatchdogAction::ALL.iter().find(|(_, own)| *own == self).map_or("none", |(name, _)| name)
    }
}
