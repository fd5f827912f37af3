-- Deletes one value. KEYS: index, value, and under a lock of this storage its record.
-- ARGV: channel, key, condition (any, or = and the version that must be there),
--       and under a lock: locker, lock name, token.
-- Reply: ok, or why not.
local index, place, record = KEYS[1], KEYS[2], KEYS[3] or ''
local channel, key, condition = ARGV[1], ARGV[2], ARGV[3]
local locker, lock, token = ARGV[4], ARGV[5], ARGV[6]

local old = redis.call('HMGET', place, 'version', 'locker', 'lock', 'token')
if condition ~= 'any' and '=' .. (old[1] or '') ~= condition then return 'version' end
if locker then
  local refused = fenced({old[2], old[3], old[4]}, locker, lock, token, record)
  if refused then return refused end
end
if not old[1] then return 'ok' end
redis.call('UNLINK', place)
leave(index, key)
tell(channel, 'd' .. key)
return 'ok'
