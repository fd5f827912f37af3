-- Writes several values as one. KEYS: index, values. ARGV: channel, version, then key and value of each.
-- Reply: ok, or why not and the number of the key that is refused.
local index = KEYS[1]
local new = {}
-- Fails on what is no value, and so before anything is written.
for i = 2, #KEYS do
  local key = ARGV[2 * i - 1]
  if not redis.call('HGET', KEYS[i], 'version') then
    local refused = misplaced(index, key)
    if refused then return {refused, i - 2} end
    new[#new + 1] = key
  end
end
for _, key in ipairs(new) do enter(index, key) end
local modified = whole(now())
for i = 2, #KEYS do
  local key, value = ARGV[2 * i - 1], ARGV[2 * i]
  redis.call('HSET', KEYS[i], 'value', value, 'version', ARGV[2], 'size', #value, 'modified', modified)
  redis.call('HDEL', KEYS[i], 'locker', 'lock', 'token')
  tell(ARGV[1], 's' .. key)
end
return {'ok', 0}
