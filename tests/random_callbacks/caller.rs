//! C callers: each makes patterned arguments, calls, and checks the result and what it held meanwhile.

use crate::random::subject::Subject;
use callsmith::arch::Abi;
use std::fmt::Write as _;

/// The name of a subject's caller: `void caller(void *function, int checked)`.
pub(crate) fn symbol(subject: &Subject) -> String {
    format!("call_{}", subject.symbol)
}

/// The caller's definition, after its types'.
pub(crate) fn source(subject: &Subject, out: &mut String) {
    let checked = match subject.case.abi {
        Abi::SysV64 => "checked_sysv",
        Abi::Win64 => "checked_ms",
        Abi::Aapcs64(_) => "checked_aapcs64",
        Abi::X86(..) => "checked_x86",
    };
    let _ = writeln!(out, "{}{};", subject.types(), subject.prototype());
    let _ = writeln!(out, "void {}(void *function, int checked) {{\n    calls++;", symbol(subject));
    let _ = writeln!(
        out,
        "    __typeof__({}) *callee = way_to(function, checked ? {checked} : 0);",
        subject.symbol
    );
    if let Abi::X86(..) = subject.case.abi {
        let _ = writeln!(out, "    expected_pops = {};", subject.callee_pops());
    }
    for passed in &subject.args {
        let variable = &passed.variable;
        let _ = writeln!(out, "    {};", passed.declarator(variable));
        let _ = writeln!(out, "    __builtin_memset(&{variable}, 0xa5, sizeof {variable});");
        passed.lines("FILL", out);
    }
    out.push_str("    HOLD_VALUES\n");
    let args: Vec<&str> = subject.args.iter().map(|passed| passed.variable.as_str()).collect();
    let call = format!(
        "callee({});\n    LEAVE_MMX\n    LOOK_AT_VALUES\n    look_at_registers(checked);\n",
        args.join(", ")
    );
    match &subject.result {
        Some(result) => {
            let _ = write!(out, "    {} = {call}", result.declarator("r"));
            result.lines("CHECK", out);
        }
        None => {
            let _ = write!(out, "    {call}");
        }
    }
    out.push_str("}\n");
}
