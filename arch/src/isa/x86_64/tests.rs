//! Every form over its operand range, judged by iced-x86's decoder.
