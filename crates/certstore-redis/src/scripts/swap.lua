-- Writes a lock's record if the write before is the expected one: a renewal or a release. KEYS: record, names, id.
-- ARGV: name, record as text, nonce of the write, nonce expected (empty: no record), held or free, token, next token,
--       lease in us, keep in ms, channel, id of the locks. Reply: done, or changed; or emptied when the id is another.
local record, names = KEYS[1], KEYS[2]
local name, text, write, expected, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if (redis.call('HGET', record, 'write') or '') ~= expected then return 'changed' end
redis.call('ZCARD', names) -- read before the first write, see tree.lua
local id = redis.call('GET', KEYS[3])
if id and id ~= ARGV[11] then return 'emptied' end
local now = now()
local expires = state == 'held' and now + tonumber(ARGV[8]) or 0
-- A server whose memory is used up refuses a script by its first write only, and this one takes no memory: holders renew
-- and release all the same.
if expected ~= '' then redis.call('PEXPIRE', record, ARGV[9]) end
redis.call('HSET', record, 'text', text, 'write', write, 'state', state, 'token', ARGV[6], 'next', ARGV[7],
  'expires', whole(expires))
if expected == '' then redis.call('PEXPIRE', record, ARGV[9]) end
if not id then redis.call('SET', KEYS[3], ARGV[11]) end
redis.call('ZADD', names, whole(now / 1000), name)
if state == 'free' then tell(ARGV[10], name) end
return 'done'
