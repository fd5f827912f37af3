-- Stores values of one directory, and enters them in the sorted sets above, as the plugin does.
-- KEYS: the n values, then the sorted sets from the nearest upwards.
-- ARGV: n, score, condition ('', 'absent' or '=' and a version), the n envelopes, the n names, then the member in each further set.
local n, score, condition = tonumber(ARGV[1]), ARGV[2], ARGV[3]
for i = 1, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  local expected = i <= n and 'string' or 'zset'
  if kind ~= 'none' and kind ~= expected then return { kind, KEYS[i] } end
end
if condition ~= '' then
  local old = redis.call('GET', KEYS[1])
  local holds
  if condition == 'absent' then
    holds = not old
  else
    holds = old and '=' .. redis.sha1hex(old) == condition
  end
  if not holds then return { 'conflict' } end
end
local added = 0
for i = 1, n do
  added = added + redis.call('ZADD', KEYS[n + 1], score, ARGV[3 + n + i])
end
for i = 2, #KEYS - n do
  local member = ARGV[2 + 2 * n + i]
  if added > 0 then
    added = redis.call('ZADD', KEYS[n + i], score, member)
  else
    -- The plugin stops here; one that was interrupted has left a gap further up.
    redis.call('ZADD', KEYS[n + i], 'NX', score, member)
  end
end
for i = 1, n do
  redis.call('SET', KEYS[i], ARGV[3 + i])
end
return { 'done' }
