//! What gcc takes a type for: the machine mode that it finds for it (gcc's `stor-layout.cc`: `compute_record_mode`,
//! `layout_type`), and whether its place on the stack is aligned (`i386.cc`: `ix86_function_arg_boundary`).

use crate::Align;
use crate::layout::{DataModel, Float, Place, Record, RecordKind, Scalar, Type};

/// How gcc handles a value.
#[derive(Clone, Copy)]
pub(super) enum Mode<'a> {
    /// In memory.
    Block,
    /// As an integer of its size.
    Integer,
    /// As a value of this type, a floating-point number, a complex number or a vector, which is all there is in it.
    Of(&'a Type),
}

/// A type's mode.
pub(super) fn mode<'a>(ty: &'a Type, model: &DataModel) -> Mode<'a> {
    match ty {
        // MMX has no floating-point numbers, and so gcc no mode for 8 bytes of them.
        Type::Vector(vector) if vector.size.bytes() == 8 && matches!(vector.lane, Scalar::Float(_)) => {
            Mode::Block
        }
        Type::Scalar(Scalar::Float(_)) | Type::Complex(_) | Type::Vector(_) => Mode::Of(ty),
        Type::Scalar(_) => Mode::Integer,
        Type::Array(array) => match mode(&array.element, model) {
            Mode::Block => Mode::Block,
            element if array.len == 1 => element,
            Mode::Integer | Mode::Of(_) => of_size(ty.size(model).bytes()),
        },
        Type::Record(record) => of_record(record, model),
    }
}

/// "Find the mode to use for a record": a block where a member is one, the mode of a member that fills a struct, or else an
/// integer's.
fn of_record<'a>(record: &'a Record, model: &DataModel) -> Mode<'a> {
    let mut only = None;
    for field in &record.fields {
        let size = field.ty.size(model);
        let in_bits = matches!(field.place, Place::Bits { .. });
        match &field.ty {
            // "Must be BLKmode" where a member's size is not known.
            Type::Array(array) if array.len == 0 && is_flexible(record, &field.ty) => return Mode::Block,
            _ if size.bytes() == 0 => continue,
            ty => match mode(ty, model) {
                Mode::Block => return Mode::Block,
                found if size == record.size && !in_bits => only = Some(found),
                Mode::Integer | Mode::Of(_) => {}
            },
        }
    }
    match (only, record.kind) {
        (Some(mode), RecordKind::Struct) => mode,
        (Some(_) | None, RecordKind::Struct | RecordKind::Union) => of_size(record.size.bytes()),
    }
}

/// Whether a record has a flexible array member.
pub(super) fn has_flexible(record: &Record) -> bool {
    let is_empty = |ty: &Type| matches!(ty, Type::Array(array) if array.len == 0);
    record.fields.last().is_some_and(|last| is_empty(&last.ty) && is_flexible(record, &last.ty))
}

/// Whether `last`, an array of no length, is a flexible array member: GNU's `[0]` in its place is taken for one, too.
fn is_flexible(record: &Record, last: &Type) -> bool {
    record.kind == RecordKind::Struct
        && record.fields.len() > 1
        && record.fields.last().is_some_and(|field| core::ptr::eq(&raw const field.ty, last))
}

fn of_size(bytes: u64) -> Mode<'static> {
    if matches!(bytes, 1 | 2 | 4 | 8) { Mode::Integer } else { Mode::Block }
}

/// The alignment of a stack argument, where it is not 4: "i386 ABI defines all arguments to be 4 byte aligned, except for
/// SSE vectors" and what contains one.
pub(super) fn stack_align(ty: &Type, model: &DataModel) -> Option<Align> {
    contains_aligned(ty, model).then(|| ty.align(model))
}

fn contains_aligned(ty: &Type, model: &DataModel) -> bool {
    if ty.align(model) < Align::of(16) {
        return false;
    }
    match ty {
        Type::Scalar(Scalar::Float(Float::F128)) | Type::Complex(Float::F128) | Type::Vector(_) => true,
        Type::Scalar(_) | Type::Complex(_) => false,
        Type::Array(array) => contains_aligned(&array.element, model),
        Type::Record(record) => record.fields.iter().any(|field| contains_aligned(&field.ty, model)),
    }
}
