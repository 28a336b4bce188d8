//! What is different where C calls: places as the function that is entered finds them, and where thunks leave contexts.

use super::subject::Subject;
use super::target;
use crate::table::{WIDTH, wrap};
use callsmith::arch::isa::InstructionSet;
use callsmith::arch::layout::Scalar;
use callsmith::arch::plan::{Location, Passing, ResultPlan};
use callsmith::arch::{Abi, CallPlan, abi};

/// The plan with stack places from where the stack pointer is when the function is entered: below its arguments is the
/// address that it returns to.
pub(super) fn as_entered(mut plan: CallPlan) -> CallPlan {
    let below = plan.abi.instruction_set().return_address();
    let raise = |place: &mut Location| {
        if let Location::Stack(offset) = place {
            *offset += below;
        }
    };
    plan.moves.iter_mut().for_each(|piece| raise(&mut piece.location));
    for arg in &mut plan.args {
        if let Passing::Indirect { pointer, .. } = &mut arg.passing {
            raise(pointer);
        }
    }
    if let ResultPlan::Hidden { pointer, .. } = &mut plan.result {
        raise(pointer);
    }
    plan.frame_bytes = plan.stack_bytes + below;
    plan
}

/// The register that a thunk loads the context into, by the number of its kind.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) kind: usize,
    register: u8,
}

impl Context {
    /// That of typed callbacks: of one more parameter, behind the others; `None` where that would be in no register that
    /// thunks know, or functions of this ABI are not what Rust has.
    pub(super) fn of_typed(subject: &Subject) -> Option<Context> {
        let abi = subject.abi();
        let signature = subject.prototype.signature(abi, subject.model, &[]).ok()?;
        let params = signature.params().iter().cloned().chain([Scalar::Pointer.into()]).collect();
        let with_context = callsmith::arch::Signature::new(abi, signature.result().cloned(), params).ok()?;
        let plan = abi::classify(&with_context).ok()?;
        let Passing::Direct(run) = &plan.args.last()?.passing else { return None };
        let [piece] = plan.moves_of(*run) else { return None };
        let Location::Gp(register) = piece.location else { return None };
        let registers = abi.instruction_set().context_registers();
        let kind = registers.iter().position(|known| *known == register)?;
        abi.instruction_set().hosts().any(|host| host == abi).then_some(Context { kind, register })
    }

    /// That of adapters.
    pub(super) fn of_adapters(set: InstructionSet) -> Option<Context> {
        let registers = set.context_registers();
        let (kind, register) = registers.iter().enumerate().next_back()?;
        Some(Context { kind, register: *register })
    }

    /// Its name.
    pub(super) fn name(self, abi: Abi) -> String {
        target::place(abi, Location::Gp(self.register), abi.instruction_set().word())
    }
}

/// How the closure is reached.
pub(super) fn print(subject: &Subject) -> String {
    let abi = subject.abi();
    let typed = match Context::of_typed(subject) {
        Some(context) => format!(
            "a typed callback's thunk (of types that rustc passes as C does) loads the context into {}, behind the parameters, \
             and jumps to the closure's function",
            context.name(abi)
        ),
        None => {
            "no typed callback's thunk has a register for the context: an adapter serves those too".into()
        }
    };
    let adapter = Context::of_adapters(abi.instruction_set()).map_or_else(String::new, |context| {
        format!(
            "a dynamic callback's thunk loads it into {}, and jumps to the signature's adapter, which calls the handler as \
             (context, pointers to the arguments, result)",
            context.name(abi)
        )
    });
    [typed, adapter].map(|line| format!("  {}\n", wrap(&line, 4, WIDTH - 2))).concat()
}
