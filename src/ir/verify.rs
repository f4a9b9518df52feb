//! Checks a block: a lifter's mistake is found where it is made, not where it hurts.

use super::{Block, End, Op, Type, Val};
use crate::base::Result;
use crate::error;

/// Checks that values are defined before they are used and have the types that their users want.
///
/// # Errors
/// Names the op and what is wrong with it.
pub fn verify(block: &Block) -> Result<()> {
    let mut types: Vec<Option<Type>> = Vec::with_capacity(block.ops.len());
    let mut insns = 0;
    for (index, op) in block.ops.iter().enumerate() {
        let mut wrong = None;
        op.uses(|val, want| {
            let have = types.get(val.0 as usize).copied().flatten();
            if have.is_none() || want.is_some_and(|want| have != Some(want)) {
                wrong = Some((val, want, have));
            }
        });
        if let Some((Val(val), want, have)) = wrong {
            return Err(error!("op {index} ({op:?}) wants %{val} as {want:?}, which is {have:?}"));
        }
        if let Op::Load { ty: Type::Float, sext: true, .. } = op {
            return Err(error!("op {index} sign-extends a float"));
        }
        insns += u16::from(matches!(op, Op::Insn { .. }));
        types.push(op.ty());
    }
    if let Some(val) = block.end.uses()
        && types.get(val.0 as usize) != Some(&Some(Type::Int))
    {
        return Err(error!("the end wants %{} as an address", val.0));
    }
    if insns != block.insns {
        return Err(error!("the block says {} instructions and has {insns}", block.insns));
    }
    if block.end == End::Never && !matches!(block.ops.last(), Some(Op::Call { effects, .. }) if effects.traps) {
        return Err(error!("the block has no way out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{BinOp, Builder, Slot, Width};
    use super::*;

    #[test]
    fn a_use_before_its_definition_is_found() {
        let mut b = Builder::new(4);
        b.begin(0);
        b.insn(4);
        b.push(Op::Bin { op: BinOp::Add, w: Width::W64, a: Val(9), b: Val(9) });
        assert!(verify(&b.finish()).unwrap_err().to_string().contains("wants %9"));
    }

    #[test]
    fn slots_are_forwarded_and_constants_folded() {
        let mut b = Builder::new(4);
        b.begin(0x10);
        b.insn(4);
        let one = b.const_(1);
        let two = b.add(one, one);
        b.set(Slot(1), two);
        let again = b.get(Slot(1), Type::Int);
        assert_eq!(b.as_const(again), Some(2));
        let float = b.get(Slot(1), Type::Float);
        b.set(Slot(2), float);
        let block = b.finish();
        verify(&block).unwrap();
        assert_eq!(block.end, End::Jump { target: 0x14, call: false });
    }
}
