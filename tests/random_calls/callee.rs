//! C callees: each checks its arguments, and gives a patterned result back.

use crate::random::subject::Subject;
use callsmith::arch::Abi;
use std::fmt::Write as _;

/// The function's definition, after its types'.
pub(crate) fn source(callee: &Subject, out: &mut String) {
    let _ = writeln!(out, "{}{} {{\n    calls++;", callee.types(), callee.prototype());
    if let Some(last) = callee.case.tail.as_ref().and(callee.case.params.len().checked_sub(1)) {
        read_tail(callee, last, out);
    }
    out.push_str("    LEAVE_MMX\n");
    callee.args.iter().for_each(|passed| passed.lines("CHECK", out));
    if callee.case.scribbles {
        for passed in &callee.args {
            let _ = writeln!(out, "    scribble(&{0}, sizeof {0});", passed.variable);
        }
    }
    if let Some(result) = &callee.result {
        let _ = writeln!(out, "    {};", result.declarator("r"));
        out.push_str("    __builtin_memset(&r, 0xa5, sizeof r);\n");
        result.lines("FILL", out);
        out.push_str("    return r;\n");
    }
    out.push_str("}\n");
}

/// Takes the variable arguments behind the parameter number `last`.
fn read_tail(callee: &Subject, last: usize, out: &mut String) {
    let (list, prefix) = match callee.case.abi {
        Abi::SysV64 => ("__builtin_sysv_va_list", "__builtin_sysv"),
        Abi::Win64 => ("__builtin_ms_va_list", "__builtin_ms"),
        Abi::Aapcs64(_) => ("__builtin_va_list", "__builtin"),
        Abi::X86(..) => ("__builtin_va_list", "__builtin"),
    };
    let _ = writeln!(out, "    {list} list;\n    {prefix}_va_start(list, a{last});");
    for passed in callee.args.iter().skip(last + 1) {
        let declared = passed.declarator(&passed.variable);
        let ty = passed.declarator("");
        // gcc on Linux forgets that `ms_abi` passes these by reference: "what is not 1, 2, 4 or 8 bytes".
        let by_reference = callee.case.abi == Abi::Win64 && !matches!(passed.size(), 1 | 2 | 4 | 8);
        let _ = if by_reference {
            writeln!(out, "    {declared} = *__builtin_va_arg(list, __typeof__({ty}) *);")
        } else {
            writeln!(out, "    {declared} = __builtin_va_arg(list, {ty});")
        };
    }
    let _ = writeln!(out, "    {prefix}_va_end(list);");
}
