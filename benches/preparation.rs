//! How many instructions preparing a call costs, system calls aside: counted, not timed.
//!
//! ```text
//! cargo bench --bench preparation              prints the counts
//! cargo bench --bench preparation -- --check   and fails where one is above its limit
//! ```
//!
//! The program runs itself under valgrind's callgrind, which counts what the process executes outside the kernel. What
//! has a limit is the stub table's answer to a signature: from the question to the stub, whether it was there (a hit) or
//! had to be planned, emitted and published. The other two counts are of all that making a function from its prototype
//! takes. A count is the mean over many signatures: the difference between two runs, one of which prepares more; so what is
//! done once for a process is not in it, and the growth of the table is.

use callsmith::ctype::Prototype;
use callsmith::decl::parse_prototype;
use callsmith::host::MODEL;
use callsmith::{Error, Function};
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

/// Set, in the run that is counted, to how many times it prepares.
const TIMES: &str = "CALLSMITH_TIMES";
/// What callgrind counts: the stub table's answer, and this program's [`make`].
const STUB: &str = "--toggle-collect=*StubTable*get_or_prepare*";
const FUNCTION: &str = "--toggle-collect=preparation::make*";
/// How many more times the longer of two runs prepares.
const MORE: usize = 1_000;

/// What is counted: a name, a limit, and the prototypes to prepare.
struct Case {
    name: &'static str,
    counted: &'static str,
    limit: Option<usize>,
    prototype: fn(usize) -> Prototype,
}

const CASES: [Case; 4] = [
    Case { name: "hit, 2 arguments", counted: STUB, limit: Some(450), prototype: always_the_same },
    Case { name: "cold, 8 arguments", counted: STUB, limit: Some(4_000), prototype: always_another },
    Case { name: "function, hit, 2 arguments", counted: FUNCTION, limit: None, prototype: always_the_same },
    Case { name: "function, cold, 8 arguments", counted: FUNCTION, limit: None, prototype: always_another },
];

fn always_the_same(_: usize) -> Prototype {
    parse_prototype("double f(double, int)", MODEL).expect("a prototype")
}

/// The same eight types in another order, so that all cost about the same.
fn always_another(number: usize) -> Prototype {
    let mut types = vec!["int", "double", "long", "float", "void *", "unsigned", "short", "char"];
    let mut rest = number;
    let mut order = Vec::new();
    while !types.is_empty() {
        order.push(types.remove(rest % types.len()));
        rest /= types.len() + 1;
    }
    parse_prototype(&format!("double f({})", order.join(", ")), MODEL).expect("a prototype")
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Ok(times) = std::env::var(TIMES) {
        let case = CASES.iter().find(|case| arguments.contains(&case.name.to_owned()));
        prepare(case.expect("a case"), times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let check = arguments.contains(&"--check".to_owned());
    let mut code = ExitCode::SUCCESS;
    for case in CASES {
        match count(&case) {
            Ok(instructions) => {
                let limit = case.limit.map(|limit| format!(", at most {limit}")).unwrap_or_default();
                println!("{}: {instructions} instructions{limit}", case.name);
                if check && case.limit.is_some_and(|limit| instructions > limit) {
                    code = ExitCode::FAILURE;
                }
            }
            Err(why) => println!("{}: not counted: {why}", case.name),
        }
    }
    code
}

/// Prepares so many times.
fn prepare(case: &Case, times: usize) {
    for number in 0..times {
        make((case.prototype)(number)).expect("a signature of this process");
    }
}

/// Makes a function of a prototype.
#[inline(never)]
fn make(prototype: Prototype) -> Result<Function, Error> {
    // SAFETY: never called.
    unsafe { Function::from_address(main as fn() -> ExitCode as _, prototype) }
}

/// The instructions of one preparation.
fn count(case: &Case) -> Result<usize, String> {
    Ok((collected(case, 2 * MORE)? - collected(case, MORE)?) / MORE)
}

/// The instructions of a run that prepares so many times.
fn collected(case: &Case, times: usize) -> Result<usize, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", case.counted])
        .arg(program)
        .arg(case.name)
        .env(TIMES, times.to_string())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "valgrind is not installed".to_owned(),
            _ => format!("valgrind: {error}"),
        })?;
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "under valgrind: {}\n{said}", run.status);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    Ok(collected.and_then(|(_, count)| count.trim().parse().ok()).expect("callgrind's total"))
}
