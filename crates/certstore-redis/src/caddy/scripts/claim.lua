-- Takes a lock if nobody holds it, with the plugin's own value, and keeps our record beside it.
-- KEYS: lock, record. ARGV: value, lease in ms, record, nonce, span, how long an idle record is kept in ms.
local holder = redis.call('GET', KEYS[1])
if holder then
  local left = redis.call('PTTL', KEYS[1])
  return { 'held', tostring(left), holder, redis.call('HMGET', KEYS[2], 'holder', 'record', 'token', 'write') }
end
local now = redis.call('TIME')
local token = now[1] * 1000000 + now[2]
local least = tonumber(redis.call('HGET', KEYS[2], 'next') or '0')
if least > token then token = least end
local text = string.format('%.0f', token)
local after = string.format('%.0f', token + tonumber(ARGV[5]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'holder', ARGV[1], 'record', ARGV[3], 'write', ARGV[4], 'token', text, 'next', after)
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return { 'granted', text, '', {} }
