package valkey

import "strings"

// A shape says how many keys stand behind a command's name, and whether it only reads.
type shape struct {
	keys  int // 0: all of its arguments
	reads bool
}

// shapes are the commands that may be declared: those that read and write the values of keys which they name first. Left out is
// what takes code (EVAL, FUNCTION) or keys from elsewhere (SORT … BY, KEYS, SCAN), changes the server or the connection that many
// share (CONFIG, SELECT, MULTI, SUBSCRIBE), and what waits (BLPOP).
var shapes = func() map[string]shape {
	all := map[string]shape{}
	for _, g := range []struct {
		shape
		names string
	}{
		{shape{1, true}, `GET GETRANGE STRLEN TTL PTTL EXPIRETIME PEXPIRETIME TYPE HGET HMGET HGETALL HEXISTS HKEYS HVALS HLEN HSTRLEN LRANGE LLEN LINDEX LPOS
			SISMEMBER SMISMEMBER SMEMBERS SCARD SRANDMEMBER ZSCORE ZMSCORE ZCARD ZCOUNT ZRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZREVRANGE ZRANK ZREVRANK ZLEXCOUNT GETBIT BITCOUNT`},
		{shape{1, false}, `SET SETEX PSETEX SETNX GETSET GETDEL GETEX SETRANGE APPEND INCR INCRBY INCRBYFLOAT DECR DECRBY EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST
			HSET HSETNX HDEL HINCRBY HINCRBYFLOAT LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LSET LTRIM LREM LINSERT SADD SREM SPOP
			ZADD ZREM ZINCRBY ZPOPMIN ZPOPMAX ZREMRANGEBYSCORE ZREMRANGEBYRANK SETBIT PFADD`},
		{shape{2, false}, "RENAME RENAMENX SMOVE LMOVE RPOPLPUSH COPY"},
		{shape{0, true}, "MGET EXISTS PFCOUNT"},
		{shape{0, false}, "DEL UNLINK TOUCH"},
	} {
		for name := range strings.FieldsSeq(g.names) {
			all[name] = g.shape
		}
	}
	return all
}()
