//! The server's allocator, so that a module's memory counts in `used_memory`; the system's where
//! no server is present (unit tests, fuzz targets, tools).
//!
//! One switch, thrown by the first instruction of `OnLoad`, decides for both: a block is freed by
//! whoever made it because the switch moves only while no block of the system's is alive.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{CStr, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::Relaxed};

use crate::raw::{self, GetApi};

/// The greatest alignment the server's allocator gives by itself, if the size is a multiple.
const NATURAL: usize = 16;

type Alloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);

/// The four functions of one server.
#[derive(Clone, Copy)]
struct Functions {
    alloc: Alloc,
    calloc: Calloc,
    realloc: Realloc,
    free: Free,
}

/// Null until a server is present; then a table in [`STORE`], and never changed again.
static FUNCTIONS: AtomicPtr<Functions> = AtomicPtr::new(null_mut());
/// Whether the server's large blocks begin with a cache line, and never changed once there are
/// any: jemalloc gives all blocks from [`LARGE`] on so.
static HAS_LINES: AtomicBool = AtomicBool::new(false);
/// Bytes of a cache line.
const LINE: usize = 64;
/// Bytes of the smallest block that jemalloc gives in pages of its own, not beside others.
const LARGE: usize = 1 << 14;
/// Blocks of the system's allocator that are alive.
static SYSTEM_BLOCKS: AtomicUsize = AtomicUsize::new(0);

/// The allocator of every module; `module!` installs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerAlloc;

/// Whether memory comes from the server.
pub(crate) fn is_server() -> bool {
    functions().is_some()
}

/// Whether a boxed `T`, or a vector of them, is a block the server's allocator knows by its
/// address.
pub(crate) fn is_block_of_server<T>() -> bool {
    is_server() && is_plain_block::<T>()
}

/// Whether a `T` is in a block of its own that begins where the `T` does.
pub(crate) const fn is_plain_block<T>() -> bool {
    size_of::<T>() != 0 && align_of::<T>() <= NATURAL
}

#[inline]
fn functions() -> Option<&'static Functions> {
    // SAFETY: null or a table that is never freed.
    unsafe { FUNCTIONS.load(Relaxed).as_ref() }
}

/// The first function of the two that the server has.
///
/// # Safety
/// As for [`raw::find`], for both names.
unsafe fn either<F: Copy>(get_api: GetApi, first: &CStr, second: &CStr) -> Option<F> {
    // SAFETY: the caller's promise.
    unsafe { raw::find(get_api, first).or_else(|| raw::find(get_api, second)) }
}

/// Uses the server's allocator from now on. Does nothing, and answers `false`, when blocks of the
/// system's allocator are alive (they would be freed by the wrong one) or a function is missing.
///
/// # Safety
/// `get_api` is a server's own, and no other thread of this library runs yet.
pub(crate) unsafe fn switch_to_server(get_api: GetApi) -> bool {
    if is_server() {
        return true;
    }
    // The ones that answer null come first: the others end the server when memory runs out, which
    // a large block that a client asked for must not do. Redis 7.0 has the first of them only.
    // SAFETY: these are the types of these functions in every version of the header.
    let found = unsafe {
        (
            either::<Alloc>(get_api, c"RedisModule_TryAlloc", c"RedisModule_Alloc"),
            either::<Calloc>(get_api, c"RedisModule_TryCalloc", c"RedisModule_Calloc"),
            either::<Realloc>(get_api, c"RedisModule_TryRealloc", c"RedisModule_Realloc"),
            raw::find::<Free>(get_api, c"RedisModule_Free"),
        )
    };
    let (Some(alloc), Some(calloc), Some(realloc), Some(free)) = found else { return false };
    if SYSTEM_BLOCKS.load(Relaxed) != 0 {
        return false;
    }
    // SAFETY: a plain allocation of the size of the table.
    let store = unsafe { alloc(size_of::<Functions>()) }.cast::<Functions>();
    if store.is_null() {
        return false;
    }
    // SAFETY: `store` is large enough and aligned as every block of the server's.
    unsafe { store.write(Functions { alloc, calloc, realloc, free }) };
    // SAFETY: the functions of the server.
    HAS_LINES.store(unsafe { gives_lines(&*store) }, Relaxed);
    FUNCTIONS.store(store, Relaxed);
    true
}

/// Whether large blocks begin with a cache line: some are tried. Those of glibc begin 16 bytes
/// behind a page, or behind any other block.
///
/// # Safety
/// The functions are a server's.
unsafe fn gives_lines(functions: &Functions) -> bool {
    const TRIED: [usize; 8] =
        [LARGE, LARGE + 64, 3 * LARGE, 5 * LARGE, 1 << 17, 3 << 16, 5 << 16, 1 << 20];
    // SAFETY: sizes that are not zero.
    let blocks = TRIED.map(|size| unsafe { (functions.alloc)(size) });
    let all = blocks.iter().all(|block| !block.is_null() && block.addr().is_multiple_of(LINE));
    // SAFETY: just allocated, or null, which is freed likewise.
    blocks.into_iter().for_each(|block| unsafe { (functions.free)(block) });
    all
}

/// Whether a block over-aligned as `layout` says is the server's own, with nothing before it: a
/// few bytes more would make it a class larger, by an eighth.
fn is_own_line(layout: Layout) -> bool {
    layout.align() <= LINE && layout.size() >= LARGE && HAS_LINES.load(Relaxed)
}

/// The size to ask for: a block whose size is a multiple of its alignment is aligned to it by
/// every allocator the servers are built with. Others need not be: the jemalloc that Redis and
/// Valkey bring along has classes of 24, 40 and 56 bytes, and a hash table asks for 52 aligned to
/// 16. No overflow: a layout's size stays below `isize::MAX` when it is rounded up.
#[inline]
fn rounded(size: usize, align: usize) -> usize {
    (size + (align - 1)) & !(align - 1)
}

/// A block aligned beyond [`NATURAL`]: the address of the server's block stands in the word before,
/// unless it [`is_own_line`].
///
/// # Safety
/// As for [`GlobalAlloc::alloc`].
#[cold]
unsafe fn over_aligned(functions: &Functions, layout: Layout) -> *mut u8 {
    if is_own_line(layout) {
        // SAFETY: a size that is not zero.
        let block = unsafe { (functions.alloc)(rounded(layout.size(), LINE)) }.cast::<u8>();
        if block.addr().is_multiple_of(LINE) {
            return block;
        }
        // It never is otherwise. If it were, there would be no memory, rather than a wrong block.
        // SAFETY: just allocated.
        unsafe { (functions.free)(block.cast()) };
        return null_mut();
    }
    let Some(size) = layout.size().checked_add(layout.align()) else { return null_mut() };
    // SAFETY: a size that is not zero.
    let base = unsafe { (functions.alloc)(size) }.cast::<u8>();
    if base.is_null() {
        return base;
    }
    let skip = layout.align() - (base.addr() & (layout.align() - 1));
    // SAFETY: `skip` is 8 to `align`: the block holds `size` bytes behind it and a word before.
    unsafe {
        let block = base.add(skip);
        block.cast::<*mut u8>().sub(1).write(base);
        block
    }
}

// SAFETY: both allocators keep the contract; the switch keeps their blocks apart (see the header).
unsafe impl GlobalAlloc for ServerAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match functions() {
            // SAFETY: the caller's promise; the size is not zero.
            Some(server) if layout.align() <= NATURAL => unsafe {
                (server.alloc)(rounded(layout.size(), layout.align())).cast()
            },
            // SAFETY: the caller's promise.
            Some(server) => unsafe { over_aligned(server, layout) },
            None => {
                SYSTEM_BLOCKS.fetch_add(1, Relaxed);
                // SAFETY: the caller's promise.
                unsafe { System.alloc(layout) }
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match functions() {
            // SAFETY: the caller's promise; the size is not zero.
            Some(server) if layout.align() <= NATURAL => unsafe {
                (server.calloc)(1, rounded(layout.size(), layout.align())).cast()
            },
            // SAFETY: the caller's promise; the block is `size` bytes long.
            Some(server) => unsafe {
                let block = over_aligned(server, layout);
                if !block.is_null() {
                    block.write_bytes(0, layout.size());
                }
                block
            },
            None => {
                SYSTEM_BLOCKS.fetch_add(1, Relaxed);
                // SAFETY: the caller's promise.
                unsafe { System.alloc_zeroed(layout) }
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match functions() {
            // SAFETY: the block is the server's, with nothing before it.
            Some(server) if layout.align() <= NATURAL => unsafe { (server.free)(block.cast()) },
            // SAFETY: the block `over_aligned` gave.
            Some(server) if is_own_line(layout) => unsafe { (server.free)(block.cast()) },
            // SAFETY: `over_aligned` left the block's own address before it.
            Some(server) => unsafe {
                (server.free)(block.cast::<*mut u8>().sub(1).read().cast());
            },
            None => {
                SYSTEM_BLOCKS.fetch_sub(1, Relaxed);
                // SAFETY: the caller's promise: the block is the system's.
                unsafe { System.dealloc(block, layout) }
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        match functions() {
            // SAFETY: the block is the server's, with nothing before it; the size is not zero.
            Some(server) if layout.align() <= NATURAL => unsafe {
                (server.realloc)(block.cast(), rounded(new_size, layout.align())).cast()
            },
            // SAFETY: the caller's promise.
            Some(_) => unsafe { self.moved(block, layout, new_size) },
            // SAFETY: the caller's promise: the block is the system's.
            None => unsafe { System.realloc(block, layout, new_size) },
        }
    }
}

impl ServerAlloc {
    /// A new block with the old one's bytes, for alignments no allocator can keep by itself.
    ///
    /// # Safety
    /// As for [`GlobalAlloc::realloc`].
    #[cold]
    unsafe fn moved(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(new_size, layout.align()) else {
            return null_mut();
        };
        // SAFETY: the caller's promise; both blocks are as long as what is copied.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for a server's allocator that gives 8 off a multiple of 16 never, as theirs do.
    unsafe extern "C" fn alloc(size: usize) -> *mut c_void {
        let layout = Layout::from_size_align(size + 16, 16).expect("a small size");
        // SAFETY: not zero; leaked by this test on purpose.
        unsafe { System.alloc(layout).add(16).cast() }
    }
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        // SAFETY: as `alloc`.
        unsafe {
            let block = alloc(count * size);
            block.cast::<u8>().write_bytes(0, count * size);
            block
        }
    }
    unsafe extern "C" fn realloc(block: *mut c_void, _size: usize) -> *mut c_void {
        block
    }
    unsafe extern "C" fn free(_block: *mut c_void) {}

    #[test]
    fn over_aligned_blocks_are_aligned_and_keep_their_bytes() {
        let server = Functions { alloc, calloc, realloc, free };
        for align in [32, 64, 4096] {
            for size in [1, 31, 100] {
                let layout = Layout::from_size_align(size, align).expect("a power of two");
                // SAFETY: the stand-in's blocks; the word before is the block's own.
                unsafe {
                    let block = over_aligned(&server, layout);
                    assert_eq!(block.addr() % align, 0, "align {align} size {size}");
                    block.write_bytes(7, size);
                    let base = block.cast::<*mut u8>().sub(1).read();
                    assert!(base < block && block.addr() - base.addr() <= align);
                }
            }
        }
    }

    #[test]
    fn an_allocator_with_lines_is_told_from_one_without() {
        unsafe extern "C" fn lines(size: usize) -> *mut c_void {
            let layout = Layout::from_size_align(size, LINE).expect("a small size");
            // SAFETY: not zero; leaked by this test on purpose.
            unsafe { System.alloc(layout).cast() }
        }
        // SAFETY: the stand-ins' blocks; theirs is 16 bytes behind one of 64.
        unsafe extern "C" fn behind(size: usize) -> *mut c_void {
            unsafe { lines(size + 16).byte_add(16) }
        }
        for (alloc, expected) in [(lines as Alloc, true), (behind, false)] {
            // SAFETY: as above.
            assert_eq!(
                unsafe { gives_lines(&Functions { alloc, calloc, realloc, free }) },
                expected
            );
        }
        let layout = |size, align| Layout::from_size_align(size, align).expect("a power of two");
        assert!(!is_own_line(layout(LARGE, LINE)), "no server, no lines");
    }

    #[test]
    fn blocks_are_multiples_of_their_alignment() {
        for (size, align, expected) in
            [(8, 16, 16), (16, 16, 16), (20, 16, 32), (52, 16, 64), (12, 8, 16), (3, 1, 3)]
        {
            assert_eq!(rounded(size, align), expected, "{size} aligned to {align}");
        }
    }

    #[test]
    fn without_a_server_the_system_allocates() {
        assert!(!is_server());
        let before = SYSTEM_BLOCKS.load(Relaxed);
        let layout = Layout::from_size_align(64, 64).expect("a power of two");
        // SAFETY: a block used as it was made.
        unsafe {
            let block = ServerAlloc.alloc_zeroed(layout);
            let block = ServerAlloc.realloc(block, layout, 128);
            assert_eq!(block.read(), 0);
            assert_eq!(SYSTEM_BLOCKS.load(Relaxed), before + 1);
            let grown = Layout::from_size_align(128, 64).expect("a power of two");
            ServerAlloc.dealloc(block, grown);
        }
        assert_eq!(SYSTEM_BLOCKS.load(Relaxed), before);
    }
}
