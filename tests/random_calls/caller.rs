//! The calls: each case by pointers, by slots, and by values, with fresh patterns each time.
//!
//! # Safety
//! The generated callee has the prototype that callsmith reads, and arguments, buffers and results are as large as their
//! types: that is what the test is about, and why it runs in a process of its own.

use super::callee;
use super::guarded::{Edge, Guarded};
use crate::random::Direction;
use crate::random::case::{Case, Name};
use crate::random::report::{Report, compare, patterned};
use crate::random::subject::{Passed, Subject};
use crate::random::values::{bytes_of, value_of};
use crate::support::rng::Rng;
use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::ctype::CType;
use callsmith::{Error, Function, Invoker, Library, Slot, Value, decl, host};

/// How a function is called.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// By pointers to the arguments: `invoke`.
    Gather(Edge),
    /// By slots: `invoke_slots_into`.
    Slots(Edge),
    /// By slots, the result in its register where there is one: `invoke_slots`.
    Register(Edge),
    /// By values: `call_values`.
    Values,
    /// By values, data among them as `Function::argument` makes it, which is known at sight.
    KnownValues,
}

const WAYS: [Way; 6] = [
    Way::Gather(Edge::End),
    Way::Slots(Edge::End),
    Way::Values,
    Way::KnownValues,
    Way::Gather(Edge::Start),
    Way::Register(Edge::Start),
];

/// What holds a result for `invoke_slots`.
#[derive(Clone, Copy)]
enum Held {
    Nothing,
    Word,
    Float,
    /// No register that it knows of.
    Memory,
}

impl Held {
    fn of(ty: &Type) -> Held {
        let Type::Scalar(scalar) = ty else { return Held::Memory };
        match scalar {
            Scalar::Bool | Scalar::I8 | Scalar::U8 | Scalar::I16 | Scalar::U16 | Scalar::I32 => Held::Word,
            Scalar::U32 | Scalar::I64 | Scalar::U64 | Scalar::Pointer => Held::Word,
            Scalar::Float(Float::F16 | Float::F32 | Float::F64) => Held::Float,
            Scalar::I128 | Scalar::U128 | Scalar::Float(Float::X87 | Float::F128) => Held::Memory,
        }
    }
}

/// A batch's library, open, with what its callees report.
pub(crate) struct Caller {
    library: Library,
    args: Vec<Guarded>,
    list: Guarded,
    result: Guarded,
}

/// One call: what goes in, in which pattern.
struct Call<'a> {
    callee: &'a Subject,
    function: &'a Function,
    /// The function with the tail of this call, if it is variadic.
    bound: &'a Function,
    /// The same, for pointers.
    invoker: &'a Invoker,
    /// The arguments' types.
    ctypes: &'a [CType],
    salt: u8,
    /// The arguments' bytes, dirty where they are padding.
    bytes: Vec<Vec<u8>>,
}

impl Direction for Caller {
    const WHAT: &'static str = "calls";

    fn case(name: &Name) -> Case {
        name.case()
    }

    fn source(callee: &Subject, out: &mut String) {
        callee::source(callee, out);
    }

    fn prelude() -> &'static str {
        include_str!("callee.c")
    }

    fn open(library: &str) -> Result<Caller, Error> {
        let library = Library::open(library)?;
        Ok(Caller { library, args: Vec::new(), list: Guarded::new(), result: Guarded::new() })
    }

    fn run(&mut self, callee: Subject, rng: &mut Rng, progress: &dyn Fn(&str)) -> Result<(), String> {
        progress("prepare");
        let function = self.function(&callee).map_err(|error| error.to_string())?;
        let ctypes = ctypes(&callee, &function).map_err(|error| error.to_string())?;
        let tailed =
            callee.case.tail.as_ref().map(|_| function.with_tail(&ctypes[callee.case.params.len()..]));
        let bound =
            tailed.transpose().map_err(|error| error.to_string())?.unwrap_or_else(|| function.clone());
        let invoker = bound.invoker().map_err(|error| error.to_string())?;
        self.args.resize_with(self.args.len().max(callee.args.len()), Guarded::new);
        for (way, salt) in WAYS.into_iter().zip([0x00, 0x5a, 0xff, 0x96, 0x33, 0xc6]) {
            progress(&format!("{way:?}"));
            let bytes = callee.args.iter().map(|passed| patterned(passed, salt, rng)).collect();
            let call = Call {
                callee: &callee,
                function: &function,
                bound: &bound,
                invoker: &invoker,
                ctypes: &ctypes,
                salt,
                bytes,
            };
            self.call(&call, way, rng).map_err(|why| format!("{way:?}: {why}\n{}", callee.plan()))?;
        }
        Ok(())
    }
}

impl Caller {
    /// The function, by its C declaration; which must mean the same types to callsmith as to the generator.
    fn function(&self, callee: &Subject) -> Result<Function, Error> {
        let prototype = decl::parse_prototype(&callee.declaration(), host::MODEL)?;
        let address = self.library.symbol(&callee.symbol)?;
        // SAFETY: see the module.
        let function = unsafe { Function::from_address(address, prototype)? };
        let read = function.signature();
        let params: Vec<&Type> =
            callee.args.iter().map(|passed| &passed.ty).take(callee.case.params.len()).collect();
        let abi = callee.case.tail.as_ref().map_or(callee.case.abi, |_| callee.case.abi.variadic());
        assert_eq!(read.abi(), abi, "{}", callee.show());
        assert_eq!(read.result(), callee.result.as_ref().map(|passed| &passed.ty), "{}", callee.show());
        assert_eq!(read.params().iter().collect::<Vec<_>>(), params, "{}", callee.show());
        Ok(function)
    }

    fn call(&mut self, call: &Call, way: Way, rng: &mut Rng) -> Result<(), String> {
        self.report(call).reset();
        let result = match way {
            Way::Gather(edge) => self.gather(call, edge)?,
            Way::Slots(edge) => self.slots(call, edge, rng, Held::Memory)?,
            Way::Register(edge) => {
                let held = call.callee.result.as_ref().map_or(Held::Nothing, |passed| Held::of(&passed.ty));
                self.slots(call, edge, rng, held)?
            }
            Way::Values => values(call, false).map_err(|error| error.to_string())?,
            Way::KnownValues => values(call, true).map_err(|error| error.to_string())?,
        };
        self.report(call).check()?;
        match &call.callee.result {
            Some(passed) => compare("result", passed, call.salt, &result),
            None => Ok(()),
        }
    }

    fn report<'a>(&'a self, call: &Call<'a>) -> Report<'a> {
        Report { library: &self.library, subject: call.callee, salt: call.salt }
    }

    /// `invoke`: everything in guarded memory, the list of pointers too.
    fn gather(&mut self, call: &Call, edge: Edge) -> Result<Vec<u8>, String> {
        self.place(call, edge);
        let pointers = self.args.iter().map(|arg| arg.address().addr().to_le_bytes());
        let list = self.list.place(call.bytes.len() * size_of::<usize>(), Edge::End);
        list.chunks_exact_mut(size_of::<usize>())
            .zip(pointers)
            .for_each(|(to, word)| to.copy_from_slice(&word));
        // SAFETY: see the module.
        unsafe { call.invoker.invoke(self.list.address().cast(), self.result.address().cast()) };
        self.untouched(call)
    }

    /// `invoke_slots_into` and `invoke_slots`: aggregates in guarded memory, and the slots too, dirty in the bytes that do
    /// not count.
    fn slots(&mut self, call: &Call, edge: Edge, rng: &mut Rng, held: Held) -> Result<Vec<u8>, String> {
        self.place(call, edge);
        let list = self.list.place(call.bytes.len() * size_of::<Slot>(), Edge::End);
        for ((slot, arg), (bytes, passed)) in
            list.chunks_exact_mut(8).zip(&self.args).zip(call.bytes.iter().zip(&call.callee.args))
        {
            if matches!(passed.ty, Type::Scalar(_)) && bytes.len() <= 8 {
                slot.copy_from_slice(&rng.next().to_le_bytes());
                slot[..bytes.len()].copy_from_slice(bytes);
            } else {
                slot.copy_from_slice(&(arg.address() as u64).to_le_bytes());
            }
        }
        let (slots, result) = (self.list.address().cast::<Slot>(), self.result.address());
        // SAFETY: see the module.
        let word = unsafe {
            match held {
                Held::Memory => {
                    call.bound.invoke_slots_into(slots, result.cast());
                    return self.untouched(call);
                }
                Held::Nothing => {
                    call.bound.invoke_slots::<()>(slots);
                    0
                }
                Held::Word => call.bound.invoke_slots::<u64>(slots),
                Held::Float => call.bound.invoke_slots::<f64>(slots).to_bits(),
            }
        };
        let value = self.result.value();
        value.copy_from_slice(&word.to_le_bytes()[..value.len()]);
        self.untouched(call)
    }

    /// Lays out arguments and room for the result.
    fn place(&mut self, call: &Call, edge: Edge) {
        for (arg, bytes) in self.args.iter_mut().zip(&call.bytes) {
            arg.place(bytes.len(), edge).copy_from_slice(bytes);
        }
        self.result.place(call.callee.result.as_ref().map_or(0, Passed::size), edge);
    }

    /// The result's bytes, if nothing else was written.
    fn untouched(&mut self, call: &Call) -> Result<Vec<u8>, String> {
        for (index, (arg, bytes)) in self.args.iter_mut().zip(&call.bytes).enumerate() {
            if arg.value() != bytes || arg.is_trampled() {
                return Err(format!("the caller's own argument {index} was written to"));
            }
        }
        if self.result.is_trampled() {
            return Err("bytes around the result were written to".into());
        }
        Ok(self.result.value().to_vec())
    }
}

/// The types of all arguments: the parameters', then the tail's.
fn ctypes(callee: &Subject, function: &Function) -> Result<Vec<CType>, Error> {
    let params = &function.prototype().params;
    let mut types: Vec<CType> = params.iter().map(|param| param.ty.clone()).collect();
    for passed in callee.args.iter().skip(types.len()) {
        types.push(decl::parse_type(&passed.type_text(), host::MODEL)?);
    }
    Ok(types)
}

/// `call_values`: gives the result's bytes. `known`: data is made by the function, where it is that of a parameter.
fn values(call: &Call, known: bool) -> Result<Vec<u8>, Error> {
    let args = call.callee.args.iter().zip(call.ctypes).zip(&call.bytes).enumerate();
    let values = args.map(|(index, ((passed, ctype), bytes))| match call.function.argument(index) {
        Ok(mut data) if known => {
            // SAFETY: what pointers there are, nobody follows.
            unsafe { data.bytes_mut() }.copy_from_slice(bytes);
            Ok(data.into())
        }
        _ => value_of(bytes, &passed.ty, ctype),
    });
    let values = values.collect::<Result<Vec<Value>, Error>>()?;
    let result = call.function.call_values(&values)?;
    for (value, (bytes, passed)) in values.iter().zip(call.bytes.iter().zip(&call.callee.args)) {
        let now = bytes_of(value);
        let len = now.len().min(bytes.len());
        assert_eq!(now[..len], bytes[..len], "{} was written to", passed.variable);
    }
    Ok(bytes_of(&result))
}
