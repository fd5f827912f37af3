-- Deletes a value, or a directory with everything below, and takes it out of the sorted sets above: all in one step up
-- to a bound, else a part of what lies deepest.
-- KEYS: the value or directory, then the sorted sets from the nearest upwards.
-- ARGV: condition ('' or '=' and a version), the name, the member in each further set, then the bound.
-- Returns 'done'; or 'more' when something is left to delete; or why not.
local bound, page = tonumber(ARGV[#ARGV]), 32
local kind = redis.call('TYPE', KEYS[1]).ok
if ARGV[1] ~= '' then
  local old = kind == 'string' and redis.call('GET', KEYS[1])
  if not old or '=' .. redis.sha1hex(old) ~= ARGV[1] then return { 'conflict' } end
end
if kind == 'zset' then
  -- Whatever a step leaves is a tree again: a sorted set goes with its last member, and only then leaves the one above.
  local open, left = { KEYS[1] }, bound
  while #open > 0 do
    if left <= 0 then return { 'more' } end
    local dir, gone, below = open[#open], {}, nil
    local members = redis.call('ZRANGE', dir, 0, page - 1)
    for _, member in ipairs(members) do
      local child = dir .. '/' .. string.gsub(member, '/$', '')
      local what = redis.call('TYPE', child).ok
      if what == 'zset' then
        below = child
        break
      end
      if what == 'string' then redis.call('UNLINK', child) end
      gone[#gone + 1] = member
    end
    if #gone > 0 then redis.call('ZREM', dir, unpack(gone)) end
    left = left - #gone - 1
    if below then
      open[#open + 1] = below
    elseif #members < page then
      open[#open] = nil
    end
  end
elseif kind == 'string' then
  redis.call('UNLINK', KEYS[1])
elseif kind ~= 'none' then
  return { kind, KEYS[1] }
end
for i = 2, #KEYS do
  local set = redis.call('TYPE', KEYS[i]).ok
  if set ~= 'zset' and set ~= 'none' then break end
  redis.call('ZREM', KEYS[i], ARGV[i])
  if i == 2 then redis.call('ZREM', KEYS[i], ARGV[i] .. '/') end
  -- A sorted set goes with its last member, and is then to be taken out of the one above.
  if redis.call('EXISTS', KEYS[i]) == 1 then break end
end
return { 'done' }
