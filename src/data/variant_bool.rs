//! OLE's truth values.
//!
//! # Safety
//! What `c_enum!` promises of its types.
#![allow(unsafe_code)]

use std::fmt;

crate::c_enum! {
    /// `VARIANT_BOOL`: a `short` that is -1 for true and 0 for false. Everything but 0 counts as true.
    ///
    /// ```
    /// use callsmith::VariantBool;
    ///
    /// assert_eq!(VariantBool::from(true).0, -1);
    /// assert!(bool::from(VariantBool(1)));
    /// ```
    pub enum VariantBool: i16 {
        /// `VARIANT_FALSE`
        False = 0,
        /// `VARIANT_TRUE`
        True = -1,
    }
}

impl From<bool> for VariantBool {
    fn from(value: bool) -> VariantBool {
        if value { VariantBool::True } else { VariantBool::False }
    }
}

impl From<VariantBool> for bool {
    fn from(value: VariantBool) -> bool {
        value.0 != 0
    }
}

impl fmt::Display for VariantBool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&bool::from(*self), f)
    }
}
