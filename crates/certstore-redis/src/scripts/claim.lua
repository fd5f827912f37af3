-- Takes a lock if nobody holds it by this server's clock. KEYS: record, names, server, id.
-- ARGV: name, record as text, nonce of the write, span, lease in us, keep in ms, grace in us, id of the locks.
-- Reply: granted and the token; or held, the holder's text, its nonce and what is left in us; or grace and what is left;
-- or emptied when the id of the locks is another.
local record, names, server = KEYS[1], KEYS[2], KEYS[3]
local name, text, write, span, lease, keep, grace =
  ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])

-- Missing, it was lost with everything else, and is what it was again: all who lock here agree on it.
local id = redis.call('GET', KEYS[4])
if id and id ~= ARGV[8] then return {'emptied', '', '', '0'} end
local now = now()
local old = redis.call('HMGET', record, 'state', 'expires', 'next', 'text', 'write')
if old[1] == 'held' and tonumber(old[2]) > now then
  return {'held', old[4], old[5], whole(tonumber(old[2]) - now)}
end
redis.call('ZCARD', names) -- read before the first write, see tree.lua

if grace > 0 then
  -- Another process or another history of writes than the last time: records may have been lost on the way.
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
    .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
  local known = redis.call('HMGET', server, 'run', 'since')
  local since = tonumber(known[2] or '')
  if known[1] ~= run then
    -- Also where nothing is known: that may be what was lost.
    since = now
    redis.call('HSET', server, 'run', run, 'since', whole(since))
  end
  if since + grace > now then return {'grace', '', '', whole(since + grace - now)} end
end

local token = math.max(tonumber(old[3] or '0'), now)
text = string.gsub(text, '\ntoken %d+\n', '\ntoken ' .. whole(token) .. '\n', 1)
if not id then redis.call('SET', KEYS[4], ARGV[8]) end
redis.call('HSET', record, 'text', text, 'write', write, 'state', 'held', 'token', whole(token),
  'next', whole(token + span), 'expires', whole(now + lease))
-- Long after its last use a record is of no more interest: tokens grow with the clock, too.
redis.call('PEXPIRE', record, keep)
redis.call('ZADD', names, whole(now / 1000), name)
redis.call('ZREMRANGEBYSCORE', names, '-inf', whole(now / 1000 - tonumber(keep)))
return {'granted', whole(token), '', '0'}
