-- Deletes a value, or a directory with everything below, and takes it out of the sorted sets above.
-- KEYS: the value or directory, then the sorted sets from the nearest upwards.
-- ARGV: condition ('' or '=' and a version), the name, then the member in each further set.
local kind = redis.call('TYPE', KEYS[1]).ok
if ARGV[1] ~= '' then
  local old = kind == 'string' and redis.call('GET', KEYS[1])
  if not old or '=' .. redis.sha1hex(old) ~= ARGV[1] then return { 'conflict' } end
end
if kind == 'zset' then
  local open = { KEYS[1] }
  while #open > 0 do
    local dir = table.remove(open)
    for _, member in ipairs(redis.call('ZRANGE', dir, 0, -1)) do
      local child = dir .. '/' .. string.gsub(member, '/$', '')
      local below = redis.call('TYPE', child).ok
      if below == 'zset' then
        open[#open + 1] = child
      elseif below == 'string' then
        redis.call('DEL', child)
      end
    end
    redis.call('DEL', dir)
  end
elseif kind == 'string' then
  redis.call('DEL', KEYS[1])
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
