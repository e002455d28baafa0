//! What the user of a call may read.
//!
//! The rules are read as text: a prefix may be read if a pattern for reading is a beginning of it,
//! with `*` behind. Newer servers answer for a prefix themselves, but by functions of one name that
//! take different arguments (a string in Redis, bytes and a length in Valkey 9.1).

use redis_module::raw::{REDISMODULE_CMD_KEY_ACCESS, REDISMODULE_CTX_FLAGS_REPLICATED};

use crate::key::Name;

use crate::raw::{self, Api};

/// Whether every key that begins with one of `prefixes` may be read.
///
/// # Safety
/// `ctx` is the context of the running callback.
pub(crate) unsafe fn may_read<'a>(
    api: &'static Api,
    ctx: *mut raw::Ctx,
    mut prefixes: impl Iterator<Item = &'a [u8]>,
) -> bool {
    // SAFETY: the caller's promise, and a user of the server's.
    unsafe { with_user(api, ctx, |user| may_user_read(api, user, &mut prefixes)) }
}

/// Whether each of these keys may be read.
///
/// # Safety
/// As for [`may_read`].
pub(crate) unsafe fn may_read_keys(
    api: &'static Api,
    ctx: *mut raw::Ctx,
    mut keys: &mut dyn Iterator<Item = &[u8]>,
) -> bool {
    let access = REDISMODULE_CMD_KEY_ACCESS.cast_signed();
    // SAFETY: the caller's promise.
    unsafe {
        with_user(api, ctx, |user| {
            // Most may read all, which is found out once and not for each key.
            may_user_read(api, user, &mut std::iter::once(&b""[..]))
                || Iterator::all(&mut keys, |key| {
                    let name = Name::new(api, key);
                    (api.check_key_permissions)(user, name.word(), access) == raw::OK
                })
        })
    }
}

/// What `body` says of the user of this call; true for who is no user: the primary, the AOF.
///
/// # Safety
/// As for [`may_read`].
unsafe fn with_user(
    api: &'static Api,
    ctx: *mut raw::Ctx,
    body: impl FnOnce(*mut raw::User) -> bool,
) -> bool {
    // SAFETY: the caller's promise; the user is freed below.
    let user = unsafe {
        if (api.context_flags)(ctx).cast_unsigned() & REDISMODULE_CTX_FLAGS_REPLICATED != 0 {
            return true;
        }
        let name = (api.current_user_name)(ctx);
        if name.is_null() {
            return true;
        }
        let user = (api.user)(name);
        (api.free_string)(ctx, name);
        user
    };
    if user.is_null() {
        // A user that was deleted while connected.
        return false;
    }
    let may = body(user);
    // SAFETY: as above.
    unsafe { (api.free_user)(user) };
    may
}

/// # Safety
/// `user` is a user of the server's.
unsafe fn may_user_read<'a>(
    api: &'static Api,
    user: *mut raw::User,
    prefixes: &mut impl Iterator<Item = &'a [u8]>,
) -> bool {
    let Some(rules) = api.user_acl else { return false };
    // SAFETY: the caller's promise; the text is freed here.
    unsafe {
        let text = rules(user);
        if text.is_null() {
            return false;
        }
        let rules = crate::key::bytes_of(api, text);
        let may = prefixes.all(|prefix| rules_allow(rules, prefix));
        (api.free_string)(crate::server::NO_CONTEXT, text);
        may
    }
}

/// Whether a rule lets read all keys with this prefix. Rules are parted by blanks, those of
/// selectors stand in parentheses.
fn rules_allow(rules: &[u8], prefix: &[u8]) -> bool {
    let rules = rules.split(|byte| matches!(byte, b' ' | b'(' | b')'));
    rules.filter_map(read_pattern).any(|pattern| covers(pattern, prefix))
}

/// The pattern of a rule that lets keys be read.
fn read_pattern(rule: &[u8]) -> Option<&[u8]> {
    rule.strip_prefix(b"~")
        .or_else(|| rule.strip_prefix(b"%R~"))
        .or_else(|| rule.strip_prefix(b"%RW~"))
        .or_else(|| rule.strip_prefix(b"%WR~"))
}

/// Whether all that begins with `prefix` matches the pattern.
fn covers(pattern: &[u8], prefix: &[u8]) -> bool {
    let Some(start) = pattern.strip_suffix(b"*") else { return false };
    let is_plain = !start.iter().any(|byte| b"*?[\\".contains(byte));
    is_plain && prefix.starts_with(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_for_prefixes() {
        let check = |rules: &str, prefix: &str, expected: bool| {
            let allowed = rules_allow(rules.as_bytes(), prefix.as_bytes());
            assert_eq!(allowed, expected, "{rules} / {prefix}");
        };
        check("on nopass sanitize-payload ~* &* +@all", "", true);
        check("on #abc ~doc:* resetchannels -@all +ft.search", "doc:", true);
        check("on ~doc:* -@all", "doc:1:", true);
        check("on ~doc:* -@all", "do", false);
        check("on ~doc:* -@all", "", false);
        check("on %R~doc:* -@all", "doc:", true);
        check("on %W~doc:* -@all", "doc:", false);
        check("on %RW~a:* -@all (%R~b:* +get)", "b:", true);
        check("on ~d?c:* -@all", "doc:", false);
        check("on ~doc: -@all", "doc:", false);
        check("on resetchannels -@all", "", false);
    }
}
