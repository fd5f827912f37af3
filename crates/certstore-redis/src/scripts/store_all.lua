-- Writes several values as one. KEYS: index, values. ARGV: channel, then key and value with its head of each.
-- Reply: ok, or why not and the number of the key that is refused.
local index = KEYS[1]
local new = {}
-- Fails on what is no value, and so before anything is written.
for i = 2, #KEYS do
  local key = ARGV[2 * i - 2]
  if not head(KEYS[i]) then
    local refused = misplaced(index, key)
    if refused then return {refused, i - 2} end
    new[#new + 1] = key
  end
end
for _, key in ipairs(new) do enter(index, key) end
for i = 2, #KEYS do
  redis.call('SET', KEYS[i], ARGV[2 * i - 1])
  tell(ARGV[1], 's' .. ARGV[2 * i - 2])
end
return {'ok', 0}
