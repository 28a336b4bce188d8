//! Stubs: what they may touch, what they hand to the target, what they keep.

use super::{At, Base, Branch, End, Known, State, Surroundings, gp, kept};
use callsmith_arch::CallPlan;
use callsmith_arch::abi::Convention;
use callsmith_arch::isa::Shape;
use callsmith_arch::plan::ArgPlan;
use iced_x86::Register;

/// What a walk found out.
pub(crate) struct Walked {
    /// How the stub ended.
    pub(crate) end: End,
    /// Which bytes of the result the stub stored.
    pub(crate) result: Vec<bool>,
}

/// What is around a stub: the target, the arguments, the result.
struct Stub<'a> {
    plan: &'a CallPlan,
    shape: Shape,
    entry: &'a Convention,
    result: Vec<bool>,
}

/// Walks through a stub.
///
/// # Errors
///
/// What the stub did wrong.
pub(crate) fn walk(code: &[u8], plan: &CallPlan, shape: Shape, entry: &Convention) -> Result<Walked, String> {
    let bases = [(1, Base::Array), (2, Base::Result)];
    let known = bases.map(|(n, base)| (gp(entry.gp_params[n]), Known::Address(base, 0)));
    let result = vec![false; plan.result_size as usize];
    let mut stub = Stub { plan, shape, entry, result };
    let (end, length) = super::walk(code, &known, &mut stub)?;
    match length == code.len() {
        true => Ok(Walked { end, result: stub.result }),
        false => Err("code after the end".into()),
    }
}

impl Surroundings for Stub<'_> {
    fn read(&mut self, (base, offset): At, width: i64) -> Result<Known, String> {
        match base {
            Base::Entry | Base::Aligned => Err("a read of what the stub did not store".into()),
            Base::Array => self.read_array(offset, width),
            Base::Value(index) => {
                let size = i64::from(self.plan.args[index].size);
                match 0 <= offset && offset + width <= size {
                    true => Ok(Known::Nothing),
                    false => Err(format!("argument {index} has {size} bytes")),
                }
            }
            Base::Result => Err("a read of the result".into()),
            Base::Code | Base::Context | Base::Note | Base::Function => Err("a read of anything".into()),
        }
    }

    fn write(&mut self, (base, offset): At, width: i64) -> Result<(), String> {
        if base != Base::Result {
            return Err("a store into the arguments".into());
        }
        let range = usize::try_from(offset).ok().zip(usize::try_from(offset + width).ok());
        match range.and_then(|(start, end)| self.result.get_mut(start..end)) {
            Some(bytes) => bytes.fill(true),
            None => return Err("a store outside the result".into()),
        }
        Ok(())
    }

    fn call(&mut self, to: Branch, state: &mut State) -> Result<&'static Convention, String> {
        self.check_branch(to, state)?;
        let rsp = state.rsp()?;
        let align = i64::try_from(self.plan.stack_align.bytes()).unwrap_or(i64::MAX);
        state.stack.check_call(rsp, align)?;
        state.stack.lend(rsp, self.plan.frame_bytes.into())?;
        Ok(self.plan.abi.convention())
    }

    fn jump(&mut self, to: Branch, state: &State) -> Result<(), String> {
        self.check_branch(to, state)
    }

    /// The caller's registers are as they were.
    fn end(&mut self, _: End, state: &State) -> Result<(), String> {
        state.check_kept(&kept(self.entry))
    }
}

impl Stub<'_> {
    /// Reads an entry of the array of slots or pointers: only what it holds.
    fn read_array(&self, offset: i64, width: i64) -> Result<Known, String> {
        let index = usize::try_from(offset / 8).ok();
        let Some((index, arg)) = index.and_then(|index| Some((index, self.plan.args.get(index)?))) else {
            return Err("a read outside the array".into());
        };
        let ArgPlan { size, in_slot, .. } = *arg;
        match (in_slot && self.shape == Shape::Slots, offset % 8) {
            (true, start) if start + width <= i64::from(size) => Ok(Known::Nothing),
            (false, 0) if width == 8 => Ok(Known::Address(Base::Value(index), 0)),
            (true | false, _) => Err("a read beside what an entry holds".into()),
        }
    }

    /// The target is where the branch goes.
    fn check_branch(&self, to: Branch, state: &State) -> Result<(), String> {
        if to != Branch::To(Known::Entered(gp(self.entry.gp_params[0]))) {
            return Err("it does not go to the target".into());
        }
        match (self.plan.vector_count, state.known(Register::RAX)) {
            (Some(count), known) if known != Known::Constant(count.into()) => Err(format!("AL is {known:?}")),
            (Some(_) | None, _) => Ok(()),
        }
    }
}
