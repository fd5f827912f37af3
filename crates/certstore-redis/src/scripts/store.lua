-- Writes one value. KEYS: index, value, and for a write under a lock of this storage its record.
-- ARGV: channel, key, value, version, condition (any, absent, or = and the version that must be there),
--       and for a write under a lock: locker, lock name, token.
-- Reply: ok, or why not.
local index, place, record = KEYS[1], KEYS[2], KEYS[3] or ''
local channel, key, value, version, condition = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local locker, lock, token = ARGV[6], ARGV[7], ARGV[8]

local old = redis.call('HMGET', place, 'version', 'locker', 'lock', 'token')
if condition == 'absent' then
  if old[1] then return 'exists' end
elseif condition ~= 'any' then
  if '=' .. (old[1] or '') ~= condition then return 'version' end
end
if locker then
  local refused = fenced({old[2], old[3], old[4]}, locker, lock, token, record)
  if refused then return refused end
end
if not old[1] then
  local refused = misplaced(index, key)
  if refused then return refused end
  enter(index, key)
end
redis.call('HSET', place, 'value', value, 'version', version, 'size', #value, 'modified', whole(now()))
if locker then
  redis.call('HSET', place, 'locker', locker, 'lock', lock, 'token', token)
elseif old[2] then
  redis.call('HDEL', place, 'locker', 'lock', 'token')
end
tell(channel, 's' .. key)
return 'ok'
