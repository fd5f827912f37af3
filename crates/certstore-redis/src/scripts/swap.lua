-- Writes a lock's record if the write before is the expected one: a renewal or a release. KEYS: record, names.
-- ARGV: name, record as text, nonce of the write, nonce expected (empty: no record), held or free, token, next token,
--       lease in us, keep in ms, channel. Reply: 1 when written, else 0.
local record, names = KEYS[1], KEYS[2]
local name, text, write, expected, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if (redis.call('HGET', record, 'write') or '') ~= expected then return 0 end
redis.call('ZCARD', names) -- read before the first write, see tree.lua
local now = now()
local expires = state == 'held' and now + tonumber(ARGV[8]) or 0
redis.call('HSET', record, 'text', text, 'write', write, 'state', state, 'token', ARGV[6], 'next', ARGV[7],
  'expires', whole(expires))
redis.call('PEXPIRE', record, ARGV[9])
redis.call('ZADD', names, whole(now / 1000), name)
if state == 'free' then tell(ARGV[10], name) end
return 1
