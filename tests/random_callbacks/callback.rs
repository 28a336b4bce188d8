//! The callbacks: each case over memory and over values, straight and by way of the assembly that looks at registers.
//!
//! # Safety
//! The generated caller calls a function of the prototype that callsmith reads: that is what the test is about, and why
//! it runs in a process of its own.

use super::caller;
use crate::random::Direction;
use crate::random::case::{Case, Name};
use crate::random::report::{Report, compare, patterned};
use crate::random::subject::{Passed, Subject};
use crate::random::values::{bytes_of, value_of};
use crate::support::rng::Rng;
use callsmith::callback::CallbackArgs;
use callsmith::ctype::Prototype;
use callsmith::{DynCallback, Error, Library, Value, decl, host};
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex};

/// What the closure gets.
#[derive(Clone, Copy, Debug)]
enum Over {
    /// Pointers to the arguments' values and to room for the result.
    Memory,
    /// Values.
    Values,
}

/// How the caller comes to the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// It calls it.
    Itself,
    /// It calls assembly, which fills registers and calls the callback.
    Assembly,
}

const WAYS: [(Over, By); 4] = [
    (Over::Memory, By::Itself),
    (Over::Values, By::Itself),
    (Over::Memory, By::Assembly),
    (Over::Values, By::Assembly),
];

/// What a caller's C begins with: registers, then the rest.
#[cfg(target_arch = "x86_64")]
const PRELUDE: &str = concat!(include_str!("caller_x86_64.c"), include_str!("caller.c"));
#[cfg(target_arch = "aarch64")]
const PRELUDE: &str = concat!(include_str!("caller_aarch64.c"), include_str!("caller.c"));
#[cfg(target_arch = "x86")]
const PRELUDE: &str = concat!(include_str!("caller_x86.c"), include_str!("caller.c"));

/// A batch's library, open.
pub(crate) struct Callback {
    library: Library,
}

/// What a closure expects, what it gives back, and what it finds.
struct Expected {
    subject: Arc<Subject>,
    prototype: Prototype,
    salt: u8,
    /// The result's bytes, dirty where they are padding.
    result: Vec<u8>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    calls: u32,
    wrong: Vec<String>,
}

impl Direction for Callback {
    const WHAT: &'static str = "callbacks";

    /// A callback has no variable arguments: they are parameters like the others.
    fn case(name: &Name) -> Case {
        let mut case = name.case();
        case.params.extend(case.tail.take().into_iter().flatten());
        case
    }

    fn source(subject: &Subject, out: &mut String) {
        caller::source(subject, out);
    }

    fn prelude() -> &'static str {
        PRELUDE
    }

    fn open(library: &str) -> Result<Callback, Error> {
        Ok(Callback { library: Library::open(library)? })
    }

    fn run(&mut self, subject: Subject, rng: &mut Rng, progress: &dyn Fn(&str)) -> Result<(), String> {
        progress("prepare");
        let text = subject.declaration();
        let prototype = decl::parse_prototype(&text, host::MODEL).map_err(|error| error.to_string())?;
        let subject = Arc::new(subject);
        for ((over, by), salt) in WAYS.into_iter().zip([0x00, 0x5a, 0xff, 0x33]) {
            progress(&format!("{over:?}, {by:?}"));
            let result = subject.result.as_ref().map_or(Vec::new(), |passed| patterned(passed, salt, rng));
            let heard = Mutex::new(Heard::default());
            let (subject, prototype) = (Arc::clone(&subject), prototype.clone());
            let expected = Arc::new(Expected { subject, prototype, salt, result, heard });
            self.call(&expected, over, by).map_err(|why| format!("{over:?}, {by:?}: {why}"))?;
        }
        Ok(())
    }
}

impl Callback {
    /// Makes a callback, has C call it, and gathers what both found.
    fn call(&self, expected: &Arc<Expected>, over: Over, by: By) -> Result<(), String> {
        let (subject, prototype) = (&*expected.subject, &expected.prototype);
        let own = Arc::clone(expected);
        let callback = match over {
            // SAFETY: the closure reads and writes what the prototype says.
            Over::Memory => unsafe {
                DynCallback::raw(prototype, move |args, result| own.over_memory(args, result))
            },
            Over::Values => DynCallback::new(prototype, move |args| own.over_values(args)),
        };
        let callback = callback.map_err(|error| error.to_string())?;
        let caller = self.library.symbol(&caller::symbol(subject)).map_err(|error| error.to_string())?;
        let report = Report { library: &self.library, subject, salt: expected.salt };
        report.reset();
        let lost = report.variable::<u32>("lost");
        // SAFETY: see the module; `lost` is an `unsigned int`.
        let lost = unsafe {
            lost.write_volatile(0);
            let caller: extern "C" fn(*const c_void, c_int) = std::mem::transmute(caller);
            caller(callback.address(), (by == By::Assembly).into());
            lost.read_volatile()
        };
        let heard = std::mem::take(&mut *expected.heard.lock().expect("no panic"));
        let mut wrong = heard.wrong;
        if heard.calls != 1 {
            wrong.push(format!("the callback ran {} times", heard.calls));
        }
        if lost != 0 {
            wrong.push(format!("the caller lost {lost} of the values that it held"));
        }
        wrong.extend(report.check().err());
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

impl Expected {
    fn hear(&self, wrong: impl Iterator<Item = String>) {
        clobber();
        let mut heard = self.heard.lock().expect("no panic");
        heard.calls += 1;
        heard.wrong.extend(wrong);
    }

    /// What is wrong with argument `index`, of which these are the bytes.
    fn check(&self, index: usize, passed: &Passed, bytes: &[u8]) -> Option<String> {
        compare(&format!("argument {}", index + 1), passed, self.salt, bytes).err()
    }

    fn over_memory(&self, args: *const *const c_void, result: *mut c_void) {
        let result = result.cast::<u8>();
        // Before the arguments are looked at: they must lie elsewhere.
        // SAFETY: there is room for the result.
        unsafe { result.write_bytes(0x5c, self.result.len()) };
        let args = self.subject.args.iter().enumerate().filter_map(|(index, passed)| {
            // SAFETY: there is a pointer for each argument, to a value of its type.
            let bytes = unsafe { std::slice::from_raw_parts((*args.add(index)).cast::<u8>(), passed.size()) };
            let address = bytes.as_ptr();
            let misaligned =
                (!is_aligned(passed, address)).then(|| format!("argument {index} at {address:p}"));
            misaligned.or_else(|| self.check(index, passed, bytes))
        });
        let mut room = self.subject.result.iter().filter(|passed| passed.size() > 0);
        let room = room.find(|passed| !is_aligned(passed, result)).into_iter();
        self.hear(args.chain(room.map(|_| format!("the result at {result:p}"))));
        // SAFETY: as above.
        unsafe { self.result.as_ptr().copy_to_nonoverlapping(result, self.result.len()) };
    }

    fn over_values(&self, args: &CallbackArgs<'_>) -> Value {
        let wrong = self.subject.args.iter().enumerate();
        let wrong =
            wrong.filter_map(|(index, passed)| self.check(index, passed, &bytes_of(&args.get(index))));
        let count = args.len() != self.subject.args.len();
        self.hear(wrong.chain(count.then(|| format!("there are {} arguments", args.len()))));
        match &self.subject.result {
            None => Value::Void,
            Some(passed) => value_of(&self.result, &passed.ty, &self.prototype.result)
                .expect("a value of the result's type"),
        }
    }
}

/// Whether it lies where its type may lie: [`DynCallback::raw`] promises no more than 16 bytes.
fn is_aligned(passed: &Passed, address: *const u8) -> bool {
    // On 32-bit x86 C aligns arguments to 4 bytes, whatever their type.
    let most = if cfg!(target_arch = "x86") { 4 } else { 16 };
    let align = usize::try_from(passed.ty.align(host::MODEL).bytes()).expect("small").min(most);
    address.addr().is_multiple_of(align)
}

/// Overwrites every register that a function of the host's convention may: code of Rust's own rarely does.
#[cfg(target_arch = "x86_64")]
fn clobber() {
    // SAFETY: what it writes to is named.
    unsafe {
        asm!(
            "mov rax, -2401053088876216593", // 0xdeadbeefdeadbeef
            "mov rcx, rax",
            "mov rdx, rax",
            "mov rsi, rax",
            "mov rdi, rax",
            "mov r8, rax",
            "mov r9, rax",
            "mov r10, rax",
            "mov r11, rax",
            "movq xmm0, rax",
            "movq xmm1, rax",
            "movq xmm2, rax",
            "movq xmm3, rax",
            "movq xmm4, rax",
            "movq xmm5, rax",
            "movq xmm6, rax",
            "movq xmm7, rax",
            "movq xmm8, rax",
            "movq xmm9, rax",
            "movq xmm10, rax",
            "movq xmm11, rax",
            "movq xmm12, rax",
            "movq xmm13, rax",
            "movq xmm14, rax",
            "movq xmm15, rax",
            clobber_abi("sysv64"),
            options(nomem, nostack),
        );
    }
}

/// As above.
#[cfg(target_arch = "aarch64")]
fn clobber() {
    macro_rules! clobber {
        ($($general:literal)* ; $($vector:literal)*) => {
            asm!(
                "mov x0, #0xdead",
                $(concat!("mov x", $general, ", x0"),)*
                $(concat!("dup v", $vector, ".2d, x0"),)*
                clobber_abi("C"),
                options(nomem, nostack),
            )
        };
    }
    // SAFETY: what it writes to is named.
    unsafe {
        clobber!(
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17;
            0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        );
    }
}

/// As above.
#[cfg(target_arch = "x86")]
fn clobber() {
    // SAFETY: what it writes to is named.
    unsafe {
        asm!(
            "mov eax, -559038737", // 0xdeadbeef
            "mov ecx, eax",
            "mov edx, eax",
            "movd xmm0, eax",
            "movd xmm1, eax",
            "movd xmm2, eax",
            "movd xmm3, eax",
            "movd xmm4, eax",
            "movd xmm5, eax",
            "movd xmm6, eax",
            "movd xmm7, eax",
            clobber_abi("C"),
            options(nomem, nostack),
        );
    }
}
