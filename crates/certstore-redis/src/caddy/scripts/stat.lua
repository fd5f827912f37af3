-- What is known of keys, without their values.
-- Returns for each key its type, and for a value `modified`, `size` and version, or only 'damaged'.
local found = {}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then
    local stored = redis.call('GET', key)
    local whole, envelope = pcall(cjson.decode, stored)
    local size = whole and type(envelope) == 'table' and tonumber(envelope.size)
    if size and type(envelope.modified) == 'string' then
      found[i] = { kind, envelope.modified, string.format('%.0f', size), redis.sha1hex(stored) }
    else
      found[i] = { 'damaged' }
    end
  else
    found[i] = { kind }
  end
end
return found
