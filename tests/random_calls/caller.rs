//! The calls: each case by pointers, by slots, and by values, with fresh patterns each time.
//!
//! # Safety
//! The generated callee has the prototype that callsmith reads, and arguments, buffers and results are as large as their
//! types: that is what the test is about, and why it runs in a process of its own.

use super::callee::{Callee, Passed};
use super::guarded::{Edge, Guarded};
use super::spots::Spot;
use crate::support::rng::Rng;
use callsmith::arch::layout::{Float, Scalar, Type};
use callsmith::ctype::CType;
use callsmith::{Data, Error, Function, Library, LongDouble, Ptr, Slot, Value, decl, host};
use std::ffi::c_void;

/// As in `runtime.c`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Mismatch {
    field: u32,
    size: u32,
    got: [u8; 16],
}

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
}

const WAYS: [Way; 5] = [
    Way::Gather(Edge::End),
    Way::Slots(Edge::End),
    Way::Values,
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
    callee: &'a Callee,
    function: &'a Function,
    /// The function with the tail of this call, if it is variadic.
    bound: &'a Function,
    /// The arguments' types.
    ctypes: &'a [CType],
    salt: u8,
    /// The arguments' bytes, dirty where they are padding.
    bytes: Vec<Vec<u8>>,
}

impl Caller {
    pub(crate) fn open(library: &str) -> Result<Caller, Error> {
        let library = Library::open(library)?;
        Ok(Caller { library, args: Vec::new(), list: Guarded::new(), result: Guarded::new() })
    }

    /// Makes all calls of a case. `progress` is told which one comes next.
    pub(crate) fn run(
        &mut self,
        callee: &Callee,
        rng: &mut Rng,
        progress: &dyn Fn(&str),
    ) -> Result<(), String> {
        progress("prepare");
        let function = self.function(callee).map_err(|error| error.to_string())?;
        let ctypes = ctypes(callee, &function).map_err(|error| error.to_string())?;
        let tailed =
            callee.case.tail.as_ref().map(|_| function.with_tail(&ctypes[callee.case.params.len()..]));
        let bound =
            tailed.transpose().map_err(|error| error.to_string())?.unwrap_or_else(|| function.clone());
        self.args.resize_with(self.args.len().max(callee.args.len()), Guarded::new);
        for (way, salt) in WAYS.into_iter().zip([0x00, 0x5a, 0xff, 0x33, 0xc6]) {
            progress(&format!("{way:?}"));
            let bytes = callee.args.iter().map(|passed| patterned(passed, salt, rng)).collect();
            let call = Call { callee, function: &function, bound: &bound, ctypes: &ctypes, salt, bytes };
            self.call(&call, way, rng).map_err(|why| format!("{way:?}: {why}\n{}", callee.plan()))?;
        }
        Ok(())
    }

    /// The function, by its C declaration; which must mean the same types to callsmith as to the generator.
    fn function(&self, callee: &Callee) -> Result<Function, Error> {
        let prototype = decl::parse_prototype(&callee.declaration(), host::MODEL)?;
        let address = self.library.symbol(&callee.symbol)?;
        // SAFETY: see the module.
        let function = unsafe { Function::from_address(address, prototype)? };
        let read = function.signature();
        let params: Vec<&Type> =
            callee.args.iter().map(|passed| &passed.ty).take(callee.case.params.len()).collect();
        assert_eq!(read.abi(), callee.case.abi, "{}", callee.show());
        assert_eq!(read.result(), callee.result.as_ref().map(|passed| &passed.ty), "{}", callee.show());
        assert_eq!(read.params().iter().collect::<Vec<_>>(), params, "{}", callee.show());
        Ok(function)
    }

    fn call(&mut self, call: &Call, way: Way, rng: &mut Rng) -> Result<(), String> {
        self.reset(call.salt);
        let result = match way {
            Way::Gather(edge) => self.gather(call, edge)?,
            Way::Slots(edge) => self.slots(call, edge, rng, Held::Memory)?,
            Way::Register(edge) => {
                let held = call.callee.result.as_ref().map_or(Held::Nothing, |passed| Held::of(&passed.ty));
                self.slots(call, edge, rng, held)?
            }
            Way::Values => values(call).map_err(|error| error.to_string())?,
        };
        self.report(call)?;
        match &call.callee.result {
            Some(passed) => compare(passed, call.salt, &result),
            None => Ok(()),
        }
    }

    /// `invoke`: everything in guarded memory, the list of pointers too.
    fn gather(&mut self, call: &Call, edge: Edge) -> Result<Vec<u8>, String> {
        self.place(call, edge);
        let pointers = self.args.iter().map(|arg| arg.address() as u64);
        let list = self.list.place(call.bytes.len() * 8, Edge::End);
        list.chunks_exact_mut(8).zip(pointers).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        // SAFETY: see the module.
        unsafe { call.bound.invoke(self.list.address().cast(), self.result.address().cast()) };
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

    /// A variable of `runtime.c`.
    fn variable<T>(&self, name: &str) -> *mut T {
        let address = self.library.symbol(name).unwrap_or_else(|error| panic!("{error}"));
        address.cast_mut().cast()
    }

    fn reset(&self, salt: u8) {
        // SAFETY: the library's own variables, of these types.
        unsafe {
            self.variable::<u32>("salt").write_volatile(salt.into());
            self.variable::<u32>("calls").write_volatile(0);
            self.variable::<u32>("mismatch_count").write_volatile(0);
        }
    }

    /// What the callee found wrong.
    fn report(&self, call: &Call) -> Result<(), String> {
        // SAFETY: as in `reset`.
        let (calls, count) = unsafe {
            let count = self.variable::<u32>("mismatch_count").read_volatile();
            (self.variable::<u32>("calls").read_volatile(), count)
        };
        if calls != 1 {
            return Err(format!("the callee ran {calls} times"));
        }
        let kept = usize::try_from(count).expect("a count").min(64);
        let wrong: Vec<String> = (0..kept)
            .map(|index| {
                // SAFETY: as in `reset`; there are 64.
                let mismatch = unsafe { self.variable::<Mismatch>("mismatches").add(index).read_volatile() };
                let size = usize::try_from(mismatch.size).expect("a size");
                describe(call, mismatch.field, &mismatch.got[..size.min(16)])
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

/// A value's bytes: random, and the pattern in its spots.
fn patterned(passed: &Passed, salt: u8, rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..passed.size()).map(|_| rng.next().to_le_bytes()[0]).collect();
    passed.fields().for_each(|(field, spot)| spot.write(field, salt, &mut bytes));
    bytes
}

/// A sentence about a field that arrived wrong.
fn describe(call: &Call, field: u32, got: &[u8]) -> String {
    let args = call.callee.args.iter().enumerate();
    let found = args.flat_map(|(index, passed)| passed.fields().map(move |at| (index, passed, at)));
    match found.into_iter().find(|(_, _, (number, _))| *number == field) {
        Some((index, passed, (_, spot))) => {
            format!("argument {}: {}", index + 1, difference(passed, field, spot, call.salt, got))
        }
        None => format!("field {field}, which there is not: got {got:02x?}"),
    }
}

fn difference(passed: &Passed, field: u32, spot: &Spot, salt: u8, got: &[u8]) -> String {
    let wanted = spot.wanted(field, salt);
    format!("{}: wanted {wanted:02x?}, got {got:02x?}", passed.place(spot))
}

/// Compares a result with its pattern.
fn compare(passed: &Passed, salt: u8, bytes: &[u8]) -> Result<(), String> {
    if bytes.len() < passed.size() {
        return Err(format!("the result has {} bytes, wanted {}", bytes.len(), passed.size()));
    }
    let wrong: Vec<String> = passed
        .fields()
        .filter(|(field, spot)| spot.got(bytes) != spot.wanted(*field, salt))
        .map(|(field, spot)| format!("result: {}", difference(passed, field, spot, salt, &spot.got(bytes))))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The types of all arguments: the parameters', then the tail's.
fn ctypes(callee: &Callee, function: &Function) -> Result<Vec<CType>, Error> {
    let params = &function.prototype().params;
    let mut types: Vec<CType> = params.iter().map(|param| param.ty.clone()).collect();
    for passed in callee.args.iter().skip(types.len()) {
        types.push(decl::parse_type(&passed.type_text(), host::MODEL)?);
    }
    Ok(types)
}

/// `call_values`: gives the result's bytes.
fn values(call: &Call) -> Result<Vec<u8>, Error> {
    let args = call.callee.args.iter().zip(call.ctypes).zip(&call.bytes);
    let values = args.map(|((passed, ctype), bytes)| value_of(bytes, &passed.ty, ctype));
    let values = values.collect::<Result<Vec<Value>, Error>>()?;
    let result = call.function.call_values(&values)?;
    for (value, (bytes, passed)) in values.iter().zip(call.bytes.iter().zip(&call.callee.args)) {
        let now = bytes_of(value);
        let len = now.len().min(bytes.len());
        assert_eq!(now[..len], bytes[..len], "{} was written to", passed.variable);
    }
    let mut result = bytes_of(&result);
    if let Some(passed) = &call.callee.result {
        result.resize(passed.size().max(result.len()), 0);
    }
    Ok(result)
}

/// The value of type `ty` with these bytes.
fn value_of(bytes: &[u8], ty: &Type, ctype: &CType) -> Result<Value, Error> {
    fn sized<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes[..N].try_into().expect("as many")
    }
    let Type::Scalar(scalar) = ty else { return data_of(bytes, ctype) };
    Ok(match scalar {
        Scalar::Bool => Value::Bool(bytes[0] != 0),
        Scalar::I8 => i8::from_le_bytes(sized(bytes)).into(),
        Scalar::U8 => u8::from_le_bytes(sized(bytes)).into(),
        Scalar::I16 => i16::from_le_bytes(sized(bytes)).into(),
        Scalar::U16 => u16::from_le_bytes(sized(bytes)).into(),
        Scalar::I32 => i32::from_le_bytes(sized(bytes)).into(),
        Scalar::U32 => u32::from_le_bytes(sized(bytes)).into(),
        Scalar::I64 => i64::from_le_bytes(sized(bytes)).into(),
        Scalar::U64 => u64::from_le_bytes(sized(bytes)).into(),
        Scalar::I128 => i128::from_le_bytes(sized(bytes)).into(),
        Scalar::U128 => u128::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(Float::F32) => f32::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(Float::F64) => f64::from_le_bytes(sized(bytes)).into(),
        Scalar::Float(Float::X87) => LongDouble::from_bytes(sized(bytes)).into(),
        Scalar::Float(Float::F16 | Float::F128) => data_of(bytes, ctype)?,
        Scalar::Pointer => {
            let address = usize::from_le_bytes(sized(bytes));
            // SAFETY: a number, which nobody follows.
            unsafe { Ptr::new(std::ptr::without_provenance::<c_void>(address)) }.into()
        }
    })
}

fn data_of(bytes: &[u8], ctype: &CType) -> Result<Value, Error> {
    let mut data = Data::new(ctype)?;
    // SAFETY: what pointers there are, nobody follows.
    unsafe { data.bytes_mut() }.copy_from_slice(bytes);
    Ok(data.into())
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Void => Vec::new(),
        Value::Bool(x) => vec![u8::from(*x)],
        Value::I8(x) => x.to_le_bytes().to_vec(),
        Value::U8(x) => x.to_le_bytes().to_vec(),
        Value::I16(x) => x.to_le_bytes().to_vec(),
        Value::U16(x) => x.to_le_bytes().to_vec(),
        Value::I32(x) => x.to_le_bytes().to_vec(),
        Value::U32(x) => x.to_le_bytes().to_vec(),
        Value::I64(x) => x.to_le_bytes().to_vec(),
        Value::U64(x) => x.to_le_bytes().to_vec(),
        Value::I128(x) => x.to_le_bytes().to_vec(),
        Value::U128(x) => x.to_le_bytes().to_vec(),
        Value::F32(x) => x.to_le_bytes().to_vec(),
        Value::F64(x) => x.to_le_bytes().to_vec(),
        Value::LongDouble(x) => x.to_bytes().to_vec(),
        Value::Pointer(x) => x.as_ptr().addr().to_le_bytes().to_vec(),
        Value::Data(data) => data.bytes().to_vec(),
    }
}
