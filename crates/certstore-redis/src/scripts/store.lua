-- Writes one value. KEYS: index, value, and for a write under a lock of this storage its record.
-- ARGV: channel, key, value with its head, condition (any, absent, or = and the version that must be there),
--       and for a write under a lock: locker, lock name, token.
-- Reply: ok, or why not.
local index, place, record = KEYS[1], KEYS[2], KEYS[3] or ''
local channel, key, value, condition = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local locker, lock, token = ARGV[5], ARGV[6], ARGV[7]

local old = head(place)
if condition == 'absent' then
  if old then return 'exists' end
elseif condition ~= 'any' then
  if '=' .. (old and old.version or '') ~= condition then return 'version' end
end
if locker then
  local refused = fenced(old, locker, lock, token, record)
  if refused then return refused end
end
if not old then
  local refused = misplaced(index, key)
  if refused then return refused end
  enter(index, key)
end
redis.call('SET', place, value)
tell(channel, 's' .. key)
return 'ok'
