//! The ways of being called, each a function pointer with what has to live behind it.

use super::rows::{FfiKind, NOTHING_HELD, Row};
use super::support::libffi::{Cif, FfiType, Handler, Libffi};
use callsmith::callback::DynCallback;
use callsmith::decl::parse_prototype;
use callsmith::host::MODEL;
use std::ffi::c_void;
use std::hint::black_box;

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A C function pointer.
    Direct,
    /// A typed callback whose closure holds nothing.
    Bare,
    /// A typed callback whose closure holds something.
    Counted,
    /// The same, and what it holds is to be dropped.
    Owning,
    /// One that holds something, never dropped.
    Forever,
    /// A typed callback of this thread, whose closure is `FnMut`.
    LocalMut,
    /// [`DynCallback::raw`].
    Raw,
    /// [`DynCallback::new`].
    Values,
    /// libffi's closure.
    Libffi,
}

impl Way {
    /// Every way.
    pub(crate) const ALL: [Way; 9] = [
        Way::Direct,
        Way::Bare,
        Way::Counted,
        Way::Owning,
        Way::Forever,
        Way::LocalMut,
        Way::Raw,
        Way::Values,
        Way::Libffi,
    ];

    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Way::Direct => "C function pointer",
            Way::Bare => "`Callback::new`, no captures",
            Way::Counted => "`Callback::new`",
            Way::Owning => "`Callback::new`, owning",
            Way::Forever => "`Callback::forever`",
            Way::LocalMut => "`Callback::local_mut`",
            Way::Raw => "`DynCallback::raw`",
            Way::Values => "`DynCallback::new`",
            Way::Libffi => "libffi's closure",
        }
    }
}

/// Calls a row's function, by one way, so many times; `None` where that way is not there.
pub(crate) fn runs<R: Row>(way: Way, ffi: Option<&Libffi>) -> Option<Box<dyn FnMut(u64)>> {
    match way {
        Way::Direct => Some(driving::<R, _>(R::direct(), ())),
        Way::Bare => {
            let callback = R::bare();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Counted => {
            let callback = R::counted();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Owning => {
            let callback = R::owning();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Forever => Some(driving::<R, _>(R::forever().address(), ())),
        Way::LocalMut => {
            let callback = R::local_mut();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Raw => {
            let callback = raw::<R>();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Values => {
            let callback = values::<R>();
            Some(driving::<R, _>(callback.address(), callback))
        }
        Way::Libffi => ffi.map(|ffi| driving::<R, _>(closure::<R>(ffi), ())),
    }
}

/// `behind` has to live as long as `function` is called.
fn driving<R: Row, B: 'static>(function: *const c_void, behind: B) -> Box<dyn FnMut(u64)> {
    Box::new(move |times| {
        let _lives = &behind;
        // SAFETY: a function of the row's signature.
        unsafe { R::drive(function, times) }
    })
}

fn raw<R: Row>() -> DynCallback {
    let prototype = parse_prototype(R::PROTOTYPE, MODEL).expect("a prototype");
    let held = black_box(NOTHING_HELD);
    // SAFETY: the row's arguments and result.
    let callback = unsafe {
        DynCallback::raw(&prototype, move |pointers, result| R::over_pointers(held, pointers, result))
    };
    callback.expect("a callback")
}

fn values<R: Row>() -> DynCallback {
    let prototype = parse_prototype(R::PROTOTYPE, MODEL).expect("a prototype");
    let held = black_box(NOTHING_HELD);
    DynCallback::new(&prototype, move |args| R::over_values(held, args)).expect("a callback")
}

fn closure<R: Row>(ffi: &Libffi) -> *const c_void {
    unsafe extern "C" fn handler<R: Row>(
        _: *mut Cif,
        result: *mut c_void,
        pointers: *const *const c_void,
        _: *mut c_void,
    ) {
        // SAFETY: the row's arguments and result.
        unsafe { R::over_pointers(NOTHING_HELD, pointers, result) };
    }
    let ffi_type = |kind: FfiKind| -> *mut FfiType {
        match kind {
            FfiKind::Basic(name) => ffi.basic(name),
            FfiKind::Struct(members) => ffi.structure(members),
        }
    };
    let (params, result) = R::FFI;
    let params = params.iter().map(|kind| ffi_type(*kind)).collect();
    let handler: Handler = handler::<R>;
    ffi.closure(ffi.prepare_types(params, None, ffi_type(result)), handler, std::ptr::null_mut())
}
