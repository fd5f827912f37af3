-- Several values as they are at one moment. KEYS: values.
local values = {}
for i, place in ipairs(KEYS) do values[i] = redis.call('HGET', place, 'value') end
return values
