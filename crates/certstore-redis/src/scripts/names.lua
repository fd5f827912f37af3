-- The names of locks that are held, or were left by a dead holder. KEYS: names. ARGV: what the names of records begin with.
local held = {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('HGET', ARGV[1] .. name, 'state') == 'held' then held[#held + 1] = name end
end
return held
