-- Deletes a value or a subtree: all in one step up to a bound, else the last part of it.
-- KEYS: index. ARGV: channel, key, what the names of values begin with, bound.
-- Reply: 1 when something is left to delete, else 0.
local index, channel, key, place, bound = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

-- From the end: what lies in a directory goes before the directory.
local found =
  redis.call('ZREVRANGEBYLEX', index, '(' .. key .. '0', '[' .. key .. '/', 'LIMIT', 0, bound + 1)
local more = #found > bound
if more then found[#found] = nil end
local itself = redis.call('EXISTS', place .. key) == 1
if #found == 0 and not itself then
  -- An index without its value, or a directory with nothing in it: whoever deleted behind our back left it.
  redis.call('ZREM', index, key .. '!')
  leave(index, key)
  return 0
end

local values = {}
for _, member in ipairs(found) do
  if string.sub(member, -1) ~= '!' then
    values[#values + 1] = place .. member
    redis.call('EXISTS', place .. member)
  end
end
for first = 1, #found, 1000 do
  redis.call('ZREM', index, unpack(found, first, math.min(first + 999, #found)))
end
for _, value in ipairs(values) do redis.call('UNLINK', value) end
if more then
  -- What was deleted may have been all of its directories, whose own members come much later in the order.
  local seen = {}
  for _, member in ipairs(found) do
    local parent = string.match(member, '^(.*)/')
    if not seen[parent] then
      seen[parent] = true
      prune(index, member)
    end
  end
  -- The rest may never be deleted: those who watch look for themselves.
  tell(channel, 'p' .. key)
  return 1
end
redis.call('UNLINK', place .. key)
redis.call('ZREM', index, key .. '!')
leave(index, key)
tell(channel, 'd' .. key)
return 0
