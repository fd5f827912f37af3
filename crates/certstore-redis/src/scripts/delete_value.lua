-- Deletes one value. KEYS: index, value, and under a lock of this storage its record.
-- ARGV: channel, key, condition (any, or = and the version that must be there),
--       and under a lock: locker, lock name, token.
-- Reply: ok, or why not.
local index, place, record = KEYS[1], KEYS[2], KEYS[3] or ''
local channel, key, condition = ARGV[1], ARGV[2], ARGV[3]
local locker, lock, token = ARGV[4], ARGV[5], ARGV[6]

local old = head(place)
if condition ~= 'any' and '=' .. (old and old.version or '') ~= condition then return 'version' end
if locker then
  local refused = fenced(old, locker, lock, token, record)
  if refused then return refused end
end
if not old then return 'ok' end
redis.call('UNLINK', place)
leave(index, key)
tell(channel, 'd' .. key)
return 'ok'
