-- Removes keys and takes the sorted set of the prefix out of those above it. KEYS: the keys to remove, then the sorted
-- sets from the nearest upwards. ARGV: how many keys are to be removed, then the member in each sorted set.
local count = tonumber(ARGV[1])
for i = 1, count do redis.call('DEL', KEYS[i]) end
for i = count + 1, #KEYS do
  if redis.call('TYPE', KEYS[i]).ok ~= 'zset' then break end
  redis.call('ZREM', KEYS[i], ARGV[i - count + 1])
  -- A sorted set goes with its last member, and is then to be taken out of the one above.
  if redis.call('EXISTS', KEYS[i]) == 1 then break end
end
return 1
