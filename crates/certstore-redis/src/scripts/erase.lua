-- Removes everything of a prefix, a part at a time: values with their members of the index, then lock records, then the
-- rest. KEYS: index, names of locks, then what goes last. ARGV: what the names of values begin with, the same of lock
-- records, bound. Reply: 1 when something is left, else 0.
local bound = tonumber(ARGV[3])

-- From the end: what lies in a directory goes before the directory.
local function part(set, place)
  local members = redis.call('ZREVRANGE', set, 0, bound - 1)
  if #members == 0 then return false end
  for _, member in ipairs(members) do
    redis.call('EXISTS', place .. member) -- read before the first write, see tree.lua
  end
  redis.call('ZREM', set, unpack(members))
  for _, member in ipairs(members) do redis.call('UNLINK', place .. member) end
  return true
end

if part(KEYS[1], ARGV[1]) or part(KEYS[2], ARGV[2]) then return 1 end
redis.call('UNLINK', unpack(KEYS))
return 0
