//! The extensions that a CPU model has: decode rows name them, `-cpu` properties switch them.

/// Makes the set of extensions: a bit each, with QEMU's property name and the name in the ISA string.
macro_rules! extensions {
    ($($(#[$meta:meta])* $name:ident = $bit:literal, $prop:literal;)*) => {
        /// A set of extensions.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Extensions(pub u64);
        impl Extensions {
            $($(#[$meta])* pub const $name: Extensions = Extensions(1 << $bit);)*
            /// Every extension with its property name, which is also its name in the ISA string.
            pub const ALL: &[(Extensions, &str)] = &[$((Extensions::$name, $prop),)*];
        }
    };
}

extensions! {
    /// Base; always there.
    I = 0, "i";
    /// Multiplication and division.
    M = 1, "m";
    /// Atomics.
    A = 2, "a";
    /// Single-precision floats.
    F = 3, "f";
    /// Double-precision floats.
    D = 4, "d";
    /// Compressed instructions.
    C = 5, "c";
    /// Supervisor mode.
    S = 6, "s";
    /// User mode.
    U = 7, "u";
    /// Vectors (not yet).
    V = 8, "v";
    /// Hypervisor (not yet).
    H = 9, "h";
    /// CSR instructions.
    ZICSR = 10, "zicsr";
    /// Instruction-fetch fence.
    ZIFENCEI = 11, "zifencei";
    /// Base counters.
    ZICNTR = 12, "zicntr";
    /// Performance counters.
    ZIHPM = 13, "zihpm";
    /// Address generation.
    ZBA = 14, "zba";
    /// Basic bit manipulation.
    ZBB = 15, "zbb";
    /// Carry-less multiplication.
    ZBC = 16, "zbc";
    /// Single-bit instructions.
    ZBS = 17, "zbs";
    /// Conditional operations.
    ZICOND = 18, "zicond";
    /// Cache-block management.
    ZICBOM = 19, "zicbom";
    /// Cache-block zero.
    ZICBOZ = 20, "zicboz";
    /// Cache-block prefetch.
    ZICBOP = 21, "zicbop";
    /// Half-precision floats.
    ZFH = 22, "zfh";
    /// Half-precision conversions and moves.
    ZFHMIN = 23, "zfhmin";
    /// Additional float instructions.
    ZFA = 24, "zfa";
    /// Atomic compare-and-swap.
    ZACAS = 25, "zacas";
    /// Wait on reservation set.
    ZAWRS = 26, "zawrs";
    /// Pause hint.
    ZIHINTPAUSE = 27, "zihintpause";
    /// May-be-operations.
    ZIMOP = 28, "zimop";
    /// Compressed may-be-operations.
    ZCMOP = 29, "zcmop";
    /// Simple compressed instructions.
    ZCB = 30, "zcb";
    /// A/D bits by trap.
    SVADE = 31, "svade";
    /// A/D bits by hardware.
    SVADU = 32, "svadu";
    /// Fine-grained translation flushes.
    SVINVAL = 33, "svinval";
    /// Contiguous pages.
    SVNAPOT = 34, "svnapot";
    /// Page memory types.
    SVPBMT = 35, "svpbmt";
    /// Supervisor timer compare.
    SSTC = 36, "sstc";
    /// Non-temporal hints.
    ZIHINTNTL = 37, "zihintntl";
    /// Carry-less multiplication for cryptography.
    ZBKC = 38, "zbkc";
    /// Bit manipulation for cryptography.
    ZBKB = 39, "zbkb";
    /// Byte and halfword atomics.
    ZABHA = 40, "zabha";
    /// Crossbar permutations.
    ZBKX = 41, "zbkx";
    /// The name of Zba, Zbb and Zbs together.
    B = 42, "b";
    /// New valid page-table entries are seen without a fence: none are remembered as invalid.
    SVVPTC = 43, "svvptc";
    /// Overflow interrupts and filters of counters.
    SSCOFPMF = 44, "sscofpmf";
    /// `misa` has the bit of the name of IMAFD together, which later manuals reserve.
    G = 45, "g";
    /// T-Head's cache maintenance.
    XTHEADCMO = 46, "xtheadcmo";
    /// T-Head's synchronisation of processors.
    XTHEADSYNC = 47, "xtheadsync";
}

impl Extensions {
    /// No extension.
    pub const NONE: Extensions = Extensions(0);

    /// Whether all of `other` are in the set.
    pub const fn has(self, other: Extensions) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set with those of `other` added.
    #[must_use]
    pub const fn with(self, other: Extensions) -> Extensions {
        Extensions(self.0 | other.0)
    }

    /// The set with those of `other` taken away.
    #[must_use]
    pub const fn without(self, other: Extensions) -> Extensions {
        Extensions(self.0 & !other.0)
    }
}
