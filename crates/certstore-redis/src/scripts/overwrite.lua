-- Writes over a value that is there, and tells of it. KEYS: value. ARGV: the value with its head, channel, message.
-- Reply: as SET.
local done = redis.call('SET', KEYS[1], ARGV[1], 'XX')
-- A user who may not publish still writes.
if done then redis.pcall('PUBLISH', ARGV[2], ARGV[3]) end
return done
