//! What Arm's PrimeCell chips have in common: identification registers, and their clock in a device tree.

use crate::base::Result;
use crate::fabric::TreeNode;
use crate::hw::Wiring;

/// Where the identification registers begin.
const IDS: u64 = 0xfe0;

/// The clock that boards give their PrimeCells, in Hz.
pub const CLOCK_HZ: u32 = 24_000_000;

/// Name of the node of that clock.
const CLOCK: &str = "apb-pclk";

/// Reads an identification register: the peripheral's four bytes, then those that say "PrimeCell".
pub fn id(peripheral: [u8; 4], offset: u64) -> Option<u64> {
    let index = offset.checked_sub(IDS)? / 4;
    let bytes = [&peripheral[..], &[0x0d, 0xf0, 0x05, 0xb1]].concat();
    bytes.get(index as usize).map(|&byte| byte.into())
}

/// A PrimeCell's node with its `clocks`, and the node of the clock, which all PrimeCells of a board share.
///
/// # Errors
/// When the property `secure` is no switch.
pub fn describe(wiring: &mut Wiring, part: &str, clocks: &[&str]) -> Result<(TreeNode, Vec<TreeNode>)> {
    let compatible = format!("arm,{part}");
    let mut tree = TreeNode::new(part)
        .strings("clock-names", clocks)
        .references("clocks", &vec![(CLOCK, &[][..]); clocks.len()])
        .strings("compatible", &[&compatible, "arm,primecell"]);
    // Firmware in the Secure world takes it, and kernels outside it leave it alone.
    if wiring.props.switch("secure")?.unwrap_or(false) {
        tree = tree.strings("status", &["disabled"]).strings("secure-status", &["okay"]);
    }
    let clock = TreeNode::new(CLOCK)
        .strings("clock-output-names", &["clk24mhz"])
        .cells("clock-frequency", &[CLOCK_HZ])
        .cells("#clock-cells", &[0])
        .strings("compatible", &["fixed-clock"]);
    Ok((tree, vec![TreeNode { shared: true, ..clock }]))
}
