-- The identity of this storage's locks, made once. KEYS: id. ARGV: a fresh one.
local id = redis.call('GET', KEYS[1])
if id then return id end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
