-- The next members below a directory, with what is known of each, without values.
-- KEYS: index. ARGV: directory (empty for the root), member to go on after (empty for the first), count, what the names
-- of values begin with. Reply: member, version, size, modified of each; nil where there is neither directory nor value.
local index, dir, after, place = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local first, last = '-', '+'
if dir ~= '' then first, last = '[' .. dir .. '/', '(' .. dir .. '0' end
if after ~= '' then first = '(' .. after end
local members = redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, ARGV[3])
if #members == 0 and after == '' and dir ~= '' and not redis.call('ZSCORE', index, dir) then return nil end
local found = {}
for _, member in ipairs(members) do
  local info = {false, false, false}
  if string.sub(member, -1) ~= '!' then
    info = redis.call('HMGET', place .. member, 'version', 'size', 'modified')
  end
  found[#found + 1] = {member, info[1], info[2], info[3]}
end
return found
