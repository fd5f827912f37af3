-- Writes several values as one. KEYS: index, values, and for a write under a lock of this storage its record.
-- ARGV: channel, how many values, then key and value with its head of each,
--       and for a write under a lock: locker, lock name, token.
-- Reply: ok, or why not and the number of the key that is refused.
local index, count = KEYS[1], tonumber(ARGV[2])
local record = KEYS[count + 2] or ''
local locker, lock, token = ARGV[2 * count + 3], ARGV[2 * count + 4], ARGV[2 * count + 5]
local new = {}
-- Fails on what is no value, and so before anything is written.
for i = 1, count do
  local key, old = ARGV[2 * i + 1], head(KEYS[i + 1])
  if locker then
    local refused = fenced(old, locker, lock, token, record)
    if refused then return {refused, i - 1} end
  end
  if not old then
    local refused = misplaced(index, key)
    if refused then return {refused, i - 1} end
    new[#new + 1] = key
  end
end
for _, key in ipairs(new) do enter(index, key) end
for i = 1, count do
  redis.call('SET', KEYS[i + 1], ARGV[2 * i + 2])
  tell(ARGV[1], 's' .. ARGV[2 * i + 1])
end
return {'ok', 0}
