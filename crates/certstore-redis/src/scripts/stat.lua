-- What is known of a key without its value. KEYS: value, index. ARGV: key, last byte of a head's fixed part.
-- Reply: that part and the length of the whole; empty and 0 for a directory; nil where there is neither.
local length = redis.call('STRLEN', KEYS[1])
if length > 0 then return {redis.call('GETRANGE', KEYS[1], 0, ARGV[2]), length} end
if redis.call('ZSCORE', KEYS[2], ARGV[1] .. '!') then return {'', 0} end
return nil
