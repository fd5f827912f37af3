-- What is known of a key, without its value. KEYS: index, value. ARGV: key.
-- Reply: version, size, modified; nothing of it for a directory; nil for neither.
local found = redis.call('HMGET', KEYS[2], 'version', 'size', 'modified')
if found[1] then return found end
if redis.call('ZSCORE', KEYS[1], ARGV[1] .. '!') then return {} end
return nil
