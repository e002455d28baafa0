"""What servers say of our modules: commands, rights, transactions, scripts, and native commands on our keys."""

LINES = r"""
NOSUCH a
JSON.NOSUCH
COMMAND INFO JSON.GET JSON.SET BF.ADD CF.COMPACT CMS.MERGE TOPK.ADD TDIGEST.MERGE TS.ADD TS.MRANGE TS.NRANGE FT.SEARCH
COMMAND GETKEYS JSON.MSET a $ 1 b $ 2
COMMAND GETKEYS CMS.MERGE a 2 b c
COMMAND GETKEYS TS.NRANGE 2 a b - +
COMMAND GETKEYS TS.MRANGE - + FILTER a=b
COMMAND GETKEYSANDFLAGS JSON.GET a
COMMAND GETKEYSANDFLAGS TDIGEST.MERGE a 2 b c
JSON.SET a $ 1
OBJECT ENCODING a
OBJECT REFCOUNT a
MULTI
JSON.GET a
JSON.NOSUCH
EXEC
MULTI
JSON.SET a . 2
JSON.GET a $
BF.ADD b x
TS.ADD t 1 1.5
JSON.GET b
FT.CREATE i SCHEMA t TAG
EXEC
EVAL "return redis.call('JSON.GET', KEYS[1])" 1 a
EVAL "return redis.call('TS.GET', KEYS[1])" 1 t
EVAL "return redis.call('BF.INFO', KEYS[1])" 1 b
EVAL "redis.setresp(3); return redis.call('BF.INFO', KEYS[1])" 1 b
EVAL "return redis.call('JSON.SET', KEYS[1], '$', '{')" 1 a
EVAL "return redis.pcall('JSON.NOSUCH', KEYS[1])" 1 a
EVAL "return redis.call('TS.READ', KEYS[1], '5', 'BLOCK', '10', '1')" 1 t
EVAL "return redis.call('FT.SEARCH', 'i', '*')" 0
ACL SETUSER parity on nopass ~x* +@all -@write
ACL DRYRUN parity JSON.SET x $ 1
ACL DRYRUN parity JSON.GET a
ACL DRYRUN parity JSON.GET x
ACL DRYRUN parity CMS.MERGE x 1 a
ACL DRYRUN parity TS.MRANGE - + FILTER a=b
ACL SETUSER parity reset on nopass ~* +@json
ACL DRYRUN parity BF.ADD b x
ACL DRYRUN parity JSON.DEBUG MEMORY a
ACL DELUSER parity
ACL CAT json
ACL CAT timeseries
RENAMENX a b
RENAMENX a z
COPY z b
COPY z y
EXPIRE t 100
PERSIST t
TOUCH z t
SCAN 0 TYPE TSDB-TYPE
SORT z
GET b
APPEND b x
BITCOUNT t
RESTORE r 0 x
DEBUG DIGEST-VALUE t b z
"""
