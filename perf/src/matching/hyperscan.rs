//! Hyperscan's C interface, which Vectorscan shares, behind a safe one: handles that are made here, used only with what
//! they were made for, and freed once.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};

/// Every code but this one is an error.
const SUCCESS: c_int = 0;
const FLAG_CASELESS: c_uint = 1;
/// An expression is reported at most once a stream.
const FLAG_SINGLEMATCH: c_uint = 8;
const MODE_STREAM: c_uint = 2;

type Handle = *mut c_void;
type OnMatch = extern "C" fn(c_uint, u64, u64, c_uint, *mut c_void) -> c_int;

#[repr(C)]
struct CompileError {
    message: *const c_char,
    expression: c_int,
}

type CompileMulti = unsafe extern "C" fn(
    *const *const c_char,
    *const c_uint,
    *const c_uint,
    c_uint,
    c_uint,
    *const c_void,
    *mut Handle,
    *mut *mut CompileError,
) -> c_int;
type Measure = unsafe extern "C" fn(*const c_void, *mut usize) -> c_int;
type ScanStream =
    unsafe extern "C" fn(Handle, *const c_char, c_uint, c_uint, Handle, OnMatch, *mut c_void) -> c_int;
type ResetStream = unsafe extern "C" fn(Handle, c_uint, Handle, OnMatch, *mut c_void) -> c_int;
type CloseStream = unsafe extern "C" fn(Handle, Handle, Option<OnMatch>, *mut c_void) -> c_int;

/// The functions of a loaded library.
struct Functions {
    version: unsafe extern "C" fn() -> *const c_char,
    compile_multi: CompileMulti,
    free_compile_error: unsafe extern "C" fn(*mut CompileError) -> c_int,
    database_size: Measure,
    stream_size: Measure,
    free_database: unsafe extern "C" fn(Handle) -> c_int,
    alloc_scratch: unsafe extern "C" fn(Handle, *mut Handle) -> c_int,
    free_scratch: unsafe extern "C" fn(Handle) -> c_int,
    open_stream: unsafe extern "C" fn(Handle, c_uint, *mut Handle) -> c_int,
    scan_stream: ScanStream,
    reset_stream: ResetStream,
    close_stream: CloseStream,
    /// Last, so that it is unloaded last.
    _library: libloading::Library,
}

/// A loaded Hyperscan or Vectorscan.
#[derive(Clone)]
pub(crate) struct Library(Rc<Functions>);

/// An expression in the syntax of the library, and the number that its matches carry.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    /// A PCRE that the library understands.
    pub(crate) pcre: CString,
    /// Ignores the case of ASCII letters.
    pub(crate) is_caseless: bool,
    /// What matches carry.
    pub(crate) id: u32,
}

/// Why expressions were not compiled.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Index of the expression that is to blame, if it is one.
    pub(crate) expression: Option<usize>,
    /// What the library says.
    pub(crate) message: String,
}

/// Where an expression matched first in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of the expression.
    pub(crate) id: u32,
    /// Offset behind the last matched byte, in the stream.
    pub(crate) end: u64,
}

impl Library {
    /// Loads the library at `path`; a mere file name is looked for where the system keeps libraries.
    pub(crate) fn open(path: &Path) -> Result<Library> {
        // SAFETY: whoever runs a measurement names a library whose initialisers may be run.
        let library = unsafe { libloading::Library::new(path) }
            .with_context(|| format!("{} does not load", path.display()))?;
        let functions = Functions {
            // SAFETY: declared as const char *hs_version(void).
            version: unsafe { symbol(&library, c"hs_version") }?,
            // SAFETY: declared as hs_error_t hs_compile_multi(const char *const *, const unsigned *, const unsigned *,
            // unsigned, unsigned, const hs_platform_info_t *, hs_database_t **, hs_compile_error_t **).
            compile_multi: unsafe { symbol(&library, c"hs_compile_multi") }?,
            // SAFETY: declared as hs_error_t hs_free_compile_error(hs_compile_error_t *).
            free_compile_error: unsafe { symbol(&library, c"hs_free_compile_error") }?,
            // SAFETY: declared as hs_error_t hs_database_size(const hs_database_t *, size_t *).
            database_size: unsafe { symbol(&library, c"hs_database_size") }?,
            // SAFETY: declared as hs_error_t hs_stream_size(const hs_database_t *, size_t *).
            stream_size: unsafe { symbol(&library, c"hs_stream_size") }?,
            // SAFETY: declared as hs_error_t hs_free_database(hs_database_t *).
            free_database: unsafe { symbol(&library, c"hs_free_database") }?,
            // SAFETY: declared as hs_error_t hs_alloc_scratch(const hs_database_t *, hs_scratch_t **).
            alloc_scratch: unsafe { symbol(&library, c"hs_alloc_scratch") }?,
            // SAFETY: declared as hs_error_t hs_free_scratch(hs_scratch_t *).
            free_scratch: unsafe { symbol(&library, c"hs_free_scratch") }?,
            // SAFETY: declared as hs_error_t hs_open_stream(const hs_database_t *, unsigned, hs_stream_t **).
            open_stream: unsafe { symbol(&library, c"hs_open_stream") }?,
            // SAFETY: declared as hs_error_t hs_scan_stream(hs_stream_t *, const char *, unsigned, unsigned,
            // hs_scratch_t *, match_event_handler, void *).
            scan_stream: unsafe { symbol(&library, c"hs_scan_stream") }?,
            // SAFETY: declared as hs_error_t hs_reset_stream(hs_stream_t *, unsigned, hs_scratch_t *,
            // match_event_handler, void *).
            reset_stream: unsafe { symbol(&library, c"hs_reset_stream") }?,
            // SAFETY: declared as hs_error_t hs_close_stream(hs_stream_t *, hs_scratch_t *, match_event_handler, void
            // *).
            close_stream: unsafe { symbol(&library, c"hs_close_stream") }?,
            // Nobody has the functions without it.
            _library: library,
        };
        Ok(Library(Rc::new(functions)))
    }

    /// What the library says of its version.
    pub(crate) fn version(&self) -> String {
        // SAFETY: it takes nothing, and returns a static string.
        let version = unsafe { (self.0.version)() };
        // SAFETY: the string ends in a NUL and lives as long as the library, which `self` keeps loaded.
        let version = unsafe { CStr::from_ptr(version) };
        version.to_string_lossy().into_owned()
    }

    /// Compiles expressions for streams, each to be reported once a stream, and makes room for `streams` of them.
    pub(crate) fn compile(&self, expressions: &[Expression], streams: usize) -> Result<Scanner, Refusal> {
        let pcres: Vec<*const c_char> =
            expressions.iter().map(|expression| expression.pcre.as_ptr()).collect();
        let caseless = |is: bool| if is { FLAG_CASELESS } else { 0 };
        let flags: Vec<c_uint> =
            expressions.iter().map(|each| FLAG_SINGLEMATCH | caseless(each.is_caseless)).collect();
        let ids: Vec<c_uint> = expressions.iter().map(|expression| expression.id).collect();
        let elements = c_uint::try_from(expressions.len()).expect("ids are unique and 32 bits wide");
        let mut scanner =
            Scanner { library: self.clone(), database: null_mut(), scratch: null_mut(), streams: Vec::new() };
        let mut error = null_mut();
        // SAFETY: the three arrays have `elements` items, each pcre ends in a NUL, no platform means this one, and both
        // results point to places that are ours.
        let code = unsafe {
            (self.0.compile_multi)(
                pcres.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                elements,
                MODE_STREAM,
                null(),
                &raw mut scanner.database,
                &raw mut error,
            )
        };
        if code != SUCCESS {
            return Err(self.refusal(error));
        }
        scanner.open(streams).map_err(|error| Refusal { expression: None, message: error.to_string() })?;
        Ok(scanner)
    }

    /// Takes the error over, and frees it.
    fn refusal(&self, error: *mut CompileError) -> Refusal {
        // SAFETY: a failed compilation leaves either null or a valid error here.
        let Some(told) = (unsafe { error.as_ref() }) else {
            return Refusal { expression: None, message: "it gives no reason".to_owned() };
        };
        // SAFETY: the message of an error ends in a NUL and lives as long as the error.
        let message = unsafe { CStr::from_ptr(told.message) }.to_string_lossy().into_owned();
        let expression = usize::try_from(told.expression).ok();
        // SAFETY: the library made the error, and it is freed once: nothing refers to it after this line.
        unsafe { (self.0.free_compile_error)(error) };
        Refusal { expression, message }
    }
}

/// A function of the library.
///
/// # Safety
/// `F` has to be the type of a function, the one that the library's header files declare for that name; and what is found is
/// not to be called once the library is unloaded.
unsafe fn symbol<F: Copy>(library: &libloading::Library, name: &CStr) -> Result<F> {
    // SAFETY: the caller answers for the type.
    let found = unsafe { library.get::<F>(name.to_bytes_with_nul()) };
    Ok(*found.with_context(|| format!("it has no {}", name.to_string_lossy()))?)
}

/// Compiled expressions with streams that can be scanned by turns.
///
/// Invariant: scratch and streams were made for this database, and no handle is null once `open` returned.
pub(crate) struct Scanner {
    library: Library,
    database: Handle,
    scratch: Handle,
    streams: Vec<Handle>,
}

impl Scanner {
    fn open(&mut self, streams: usize) -> Result<()> {
        // SAFETY: the database is valid, and a null scratch asks for a new one.
        let code = unsafe { (self.library.0.alloc_scratch)(self.database, &raw mut self.scratch) };
        ensure!(code == SUCCESS, "hs_alloc_scratch fails with {code}");
        for _ in 0..streams {
            let mut stream = null_mut();
            // SAFETY: the database is valid, flags are reserved, and the result points to a place that is ours.
            let code = unsafe { (self.library.0.open_stream)(self.database, 0, &raw mut stream) };
            ensure!(code == SUCCESS, "hs_open_stream fails with {code}");
            self.streams.push(stream);
        }
        Ok(())
    }

    /// Scans the next bytes of a stream, and appends what became known to `found`.
    pub(crate) fn scan(&mut self, stream: usize, bytes: &[u8], found: &mut Vec<Found>) {
        let length = c_uint::try_from(bytes.len()).expect("a segment is far below 4 GiB");
        let context: *mut Vec<Found> = found;
        // SAFETY: stream and scratch are of this database and not in use, the bytes are `length` many, and the context is
        // what `on_match` takes it for until the call returns.
        let code = unsafe {
            (self.library.0.scan_stream)(
                self.streams[stream],
                bytes.as_ptr().cast(),
                length,
                0,
                self.scratch,
                on_match,
                context.cast(),
            )
        };
        assert_eq!(code, SUCCESS, "hs_scan_stream fails");
    }

    /// Ends a stream, appends what only its end made known, and begins another in its place.
    pub(crate) fn end(&mut self, stream: usize, found: &mut Vec<Found>) {
        let context: *mut Vec<Found> = found;
        // SAFETY: stream and scratch are of this database and not in use, and the context is what `on_match` takes it for
        // until the call returns.
        let code = unsafe {
            (self.library.0.reset_stream)(self.streams[stream], 0, self.scratch, on_match, context.cast())
        };
        assert_eq!(code, SUCCESS, "hs_reset_stream fails");
    }

    /// Memory of the compiled expressions, in bytes.
    pub(crate) fn database_bytes(&self) -> usize {
        self.measured(self.library.0.database_size)
    }

    /// Memory of one stream, in bytes.
    pub(crate) fn stream_bytes(&self) -> usize {
        self.measured(self.library.0.stream_size)
    }

    fn measured(&self, measure: Measure) -> usize {
        let mut bytes = 0;
        // SAFETY: the database is valid, and the result points to a place that is ours.
        let code = unsafe { measure(self.database, &raw mut bytes) };
        assert_eq!(code, SUCCESS, "the database is valid");
        bytes
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        for stream in self.streams.drain(..) {
            // SAFETY: the stream is open, and closed once; without a callback no scratch is needed.
            unsafe { (self.library.0.close_stream)(stream, null_mut(), None, null_mut()) };
        }
        // SAFETY: null is allowed, anything else was allocated and is freed once.
        unsafe { (self.library.0.free_scratch)(self.scratch) };
        // SAFETY: null is allowed, anything else was compiled and is freed once, after its streams.
        unsafe { (self.library.0.free_database)(self.database) };
    }
}

extern "C" fn on_match(id: c_uint, _from: u64, end: u64, _flags: c_uint, context: *mut c_void) -> c_int {
    // SAFETY: `Scanner` passes its caller's vector, borrowed for it alone as long as the call that leads here lasts.
    let found = unsafe { &mut *context.cast::<Vec<Found>>() };
    found.push(Found { id, end });
    0
}
