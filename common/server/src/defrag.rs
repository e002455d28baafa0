//! Active defragmentation of one value, in steps.

use std::ffi::{c_int, c_ulong, c_void};
use std::mem::ManuallyDrop;

use keyspan_common::data_type::{DataType, Mover, Progress};

use crate::alloc::{self, is_plain_block};
use crate::guard::guard;
use crate::raw;

/// The functions of the server this takes; a server without them does not defragment.
#[derive(Clone, Copy)]
struct Functions {
    alloc: unsafe extern "C" fn(*mut raw::DefragCtx, *mut c_void) -> *mut c_void,
    should_stop: unsafe extern "C" fn(*mut raw::DefragCtx) -> c_int,
    cursor: unsafe extern "C" fn(*mut raw::DefragCtx, *mut c_ulong) -> c_int,
    set_cursor: unsafe extern "C" fn(*mut raw::DefragCtx, c_ulong) -> c_int,
}

impl Functions {
    fn of(api: &raw::Api) -> Option<Self> {
        Some(Self {
            alloc: api.defrag_alloc?,
            should_stop: api.defrag_should_stop?,
            cursor: api.defrag_cursor?,
            set_cursor: api.defrag_cursor_set?,
        })
    }
}

/// One step of one value.
struct Step {
    functions: Functions,
    ctx: *mut raw::DefragCtx,
}

/// The callback: 0 if the value is done, 1 if the server should come back.
///
/// # Safety
/// Called by the server; `place` holds a value of `V` this crate handed to it.
pub(crate) unsafe extern "C" fn defrag<V: DataType>(
    ctx: *mut raw::DefragCtx,
    _key: *mut raw::Word,
    place: *mut *mut c_void,
) -> c_int {
    // SAFETY: a callback this crate registered.
    let functions = Functions::of(unsafe { raw::api() }).filter(|_| alloc::is_server());
    let Some(functions) = functions else { return 0 };
    let step = Step { functions, ctx };
    // SAFETY: the caller's promise.
    let again = guard("defrag", || unsafe { step.take::<V>(place.cast()) });
    c_int::from(again == Some(true))
}

impl Step {
    /// Whether there is more to do.
    ///
    /// # Safety
    /// `place` holds a boxed value of the allocator these functions belong to.
    unsafe fn take<V: DataType>(mut self, place: *mut *mut V) -> bool {
        let from = self.resumed();
        if from == 0 && is_plain_block::<V>() {
            // SAFETY: the caller's promise.
            unsafe { *place = self.moved(*place) };
        }
        // SAFETY: the caller's promise; the server looks at the value when this is over.
        match unsafe { &mut **place }.defrag(&mut self, from) {
            Progress::Done => false,
            // Refused where the server wants the value done in one go.
            // SAFETY: the context of the running callback.
            Progress::Paused(at) => unsafe { (self.functions.set_cursor)(self.ctx, at) == raw::OK },
        }
    }

    /// Where the last step stopped, 0 if this is the first.
    fn resumed(&self) -> u64 {
        let mut cursor: c_ulong = 0;
        // SAFETY: the context of the running callback and a place for the number.
        let known = unsafe { (self.functions.cursor)(self.ctx, &raw mut cursor) };
        if known == raw::OK { cursor } else { 0 }
    }

    /// The block at its new place, or at the old one if the server has no better.
    ///
    /// # Safety
    /// `block` begins a block of the allocator these functions belong to.
    unsafe fn moved<T>(&self, block: *mut T) -> *mut T {
        // SAFETY: the caller's promise.
        let moved = unsafe { (self.functions.alloc)(self.ctx, block.cast()) }.cast::<T>();
        if moved.is_null() { block } else { moved }
    }
}

impl Mover for Step {
    fn relocate<T>(&mut self, block: Vec<T>) -> Vec<T> {
        if block.capacity() == 0 || !is_plain_block::<T>() {
            return block;
        }
        let mut block = ManuallyDrop::new(block);
        let (start, len, capacity) = (block.as_mut_ptr(), block.len(), block.capacity());
        // SAFETY: the same elements in a block of the same size and of the same allocator; the
        // old vector is forgotten.
        unsafe { Vec::from_raw_parts(self.moved(start), len, capacity) }
    }

    fn should_stop(&mut self) -> bool {
        // SAFETY: the context of the running callback.
        unsafe { (self.functions.should_stop)(self.ctx) != 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ptr::null_mut;

    use keyspan_common::rdb::{self, Encoding, Read, Write};

    use super::*;

    unsafe extern "C" {
        fn malloc(size: usize) -> *mut c_void;
        fn malloc_usable_size(block: *mut c_void) -> usize;
        fn free(block: *mut c_void);
    }

    thread_local! {
        static MOVED: Cell<usize> = const { Cell::new(0) };
        static ASKED: Cell<usize> = const { Cell::new(0) };
        static CURSOR: Cell<Option<c_ulong>> = const { Cell::new(None) };
    }

    unsafe extern "C" fn relocate(_: *mut raw::DefragCtx, block: *mut c_void) -> *mut c_void {
        MOVED.set(MOVED.get() + 1);
        // SAFETY: tests allocate by the system, which is `malloc`.
        unsafe {
            let size = malloc_usable_size(block);
            let new = malloc(size);
            new.cast::<u8>().copy_from_nonoverlapping(block.cast(), size);
            block.cast::<u8>().write_bytes(0xdd, size);
            free(block);
            new
        }
    }
    /// Time for three blocks.
    unsafe extern "C" fn should_stop(_: *mut raw::DefragCtx) -> c_int {
        ASKED.set(ASKED.get() + 1);
        c_int::from(ASKED.get().is_multiple_of(4))
    }
    unsafe extern "C" fn cursor(_: *mut raw::DefragCtx, at: *mut c_ulong) -> c_int {
        let Some(known) = CURSOR.get() else { return raw::ERR };
        // SAFETY: a place for a number.
        unsafe { *at = known };
        raw::OK
    }
    unsafe extern "C" fn set_cursor(_: *mut raw::DefragCtx, at: c_ulong) -> c_int {
        CURSOR.set(Some(at));
        raw::OK
    }

    #[derive(Clone)]
    struct Rows(Vec<Vec<u64>>);

    impl rdb::Value for Rows {
        const TYPE_NAMES: &'static [&'static str] = &["test-rows"];
        fn load<R: Read>(_: &mut R, _: Encoding) -> Result<Self, rdb::Error> {
            Err(rdb::Error::Version)
        }
        fn save<W: Write>(&self, _: &mut W, _: u32) {}
    }

    impl DataType for Rows {
        fn rewrite(&self, _: &mut dyn FnMut(&'static str, &[&[u8]])) {}
        fn memory(&self) -> usize {
            0
        }
        fn digest(&self, _: &mut dyn FnMut(&[u8])) {}
        fn effort(&self) -> usize {
            self.0.len()
        }
        fn defrag<M: Mover>(&mut self, mover: &mut M, from: u64) -> Progress {
            for (index, row) in self.0.iter_mut().enumerate().skip(from.try_into().unwrap()) {
                if mover.should_stop() {
                    return Progress::Paused(index as u64);
                }
                *row = mover.relocate(std::mem::take(row));
            }
            Progress::Done
        }
    }

    #[test]
    fn a_value_is_moved_in_steps_and_stays_whole() {
        let rows: Vec<Vec<u64>> = (0..8).map(|row| (0..row).collect()).collect();
        let mut value = Box::into_raw(Box::new(Rows(rows.clone())));
        let functions = Functions { alloc: relocate, should_stop, cursor, set_cursor };
        let mut steps = 1;
        // SAFETY: a boxed value of the allocator `relocate` belongs to.
        while unsafe { Step { functions, ctx: null_mut() }.take::<Rows>(&raw mut value) } {
            steps += 1;
        }
        // SAFETY: the box, at its new place.
        let value = unsafe { Box::from_raw(value) };
        assert_eq!(value.0, rows);
        // Rows 0 to 2, 3 to 5, 6 and 7; the box once; row 0 has no block.
        assert_eq!((steps, MOVED.get()), (3, 8));
    }
}
