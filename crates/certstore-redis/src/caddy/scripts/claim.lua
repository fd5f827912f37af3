-- Takes a lock if nobody holds it, with the plugin's own value, and keeps our record beside it.
-- KEYS: lock, record, server. ARGV: value, lease in ms, record, nonce, span, how long an idle record is kept in ms, grace
-- after a restart in ms.
-- Returns 'granted' and the token; or 'held', what is left in ms, the holder's value and our record; or 'grace' and what is
-- left in ms.
local holder = redis.call('GET', KEYS[1])
if holder then
  local left = redis.call('PTTL', KEYS[1])
  return { 'held', tostring(left), holder, redis.call('HMGET', KEYS[2], 'holder', 'record', 'token', 'write') }
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local grace = tonumber(ARGV[7]) * 1000
if grace > 0 then
  -- Another process or another history of writes than the last time: locks may have been lost on the way.
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
    .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
  local known = redis.call('HMGET', KEYS[3], 'run', 'since')
  local since = tonumber(known[2] or '')
  if known[1] ~= run then
    -- Also where nothing is known: that may be what was lost.
    since = now
    redis.call('HSET', KEYS[3], 'run', run, 'since', string.format('%.0f', since))
  end
  if since + grace > now then
    return { 'grace', string.format('%.0f', math.ceil((since + grace - now) / 1000)), '', {} }
  end
end
local token = now
local least = tonumber(redis.call('HGET', KEYS[2], 'next') or '0')
if least > token then token = least end
local text = string.format('%.0f', token)
local after = string.format('%.0f', token + tonumber(ARGV[5]))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'holder', ARGV[1], 'record', ARGV[3], 'write', ARGV[4], 'token', text, 'next', after)
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return { 'granted', text, '', {} }
