//! Commands that work on the server at large, not on one value at a key.

use std::ffi::c_int;
use std::slice;
use std::sync::Arc;

use keyspan_common::{args::Args, command::Row, reply::Reply, wire::Wire};

use crate::entry::{Entry, fits, lay_out};
use crate::guard::guard;
use crate::job::Blocking;
use crate::raw;
use crate::reply::ClientReply;
use crate::server::Server;

/// A command on the server at large: its row and what it does.
pub trait ServerCommand {
    /// What can go wrong, each with its wire text.
    type Error: Wire;
    /// Its row in the table.
    const ROW: Row;

    /// Parse, check, apply, replicate, reply, in this order.
    ///
    /// # Errors
    /// On an error nothing was changed and nothing was written to `reply`.
    fn run(call: &mut Call<'_>, args: Args<'_>, reply: &mut dyn Reply) -> Result<(), Self::Error>;
}

/// One call of a [`ServerCommand`].
#[derive(Debug)]
pub struct Call<'call> {
    server: Server<'call>,
    blocked: bool,
}

impl<'call> Call<'call> {
    /// The server.
    pub fn server(&self) -> &Server<'call> {
        &self.server
    }

    /// Runs `job` on another thread while other clients are served, and answers with what `finish`
    /// writes of its outcome, on the main thread again. Where the client cannot wait (MULTI,
    /// scripts) both run at once. The last thing a command does.
    ///
    /// `gone` is called, on the main thread, when the client goes: nobody waits for the outcome then.
    pub fn spawn<T: Send + 'static>(
        &mut self,
        reply: &mut dyn Reply,
        gone: impl Fn() + Send + Sync + 'static,
        job: impl FnOnce() -> T + Send + 'static,
        finish: impl FnOnce(T, &Server<'_>, &mut dyn Reply) + Send + 'static,
    ) {
        // SAFETY: the context of the running command, which writes nothing after this.
        match unsafe { Blocking::of(self.server.ctx) } {
            Some(blocking) => {
                self.blocked = true;
                blocking.run_with_server(Some(Arc::new(gone)), job, finish);
            }
            None => finish(job(), &self.server, reply),
        }
    }
}

impl Entry {
    /// The entry of a command on the server at large.
    pub const fn of_server<C: ServerCommand>() -> Self {
        Self { row: C::ROW, enter: enter::<C> }
    }
}

/// # Safety
/// Called by the server: `argv` holds `argc` words, alive for the call, and `ctx` is the call's.
unsafe extern "C" fn enter<C: ServerCommand>(
    ctx: *mut raw::Ctx,
    argv: *mut *mut raw::Word,
    argc: c_int,
) -> c_int {
    // SAFETY: a callback this crate registered.
    let api = unsafe { raw::api() };
    let count = usize::try_from(argc).unwrap_or(0);
    if !fits(C::ROW.arity, count) {
        // SAFETY: the call's context.
        return unsafe { (api.wrong_arity)(ctx) };
    }
    // SAFETY: the words and the context of the call.
    let (words, mut reply, server) =
        unsafe { (slice::from_raw_parts(argv, count), ClientReply::new(ctx), Server::new(ctx)) };
    guard(C::ROW.name, || {
        lay_out(api, words, |args| {
            let mut call = Call { server, blocked: false };
            if let Err(error) = C::run(&mut call, args, &mut reply) {
                reply.error(&error.wire());
            }
            if call.blocked {
                reply.leave();
            }
        });
    });
    reply.end();
    raw::OK
}
