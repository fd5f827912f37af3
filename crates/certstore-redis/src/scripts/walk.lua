-- The next members below a directory, with what is known of each, without values.
-- KEYS: index. ARGV: directory (empty for the root), member to go on after (empty for the first), count, what the names
-- of values begin with, last byte of a head's fixed part. Reply: member, that part and the length of the whole of each;
-- nil where there is neither directory nor value.
local index, dir, after, place = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local first, last = '-', '+'
if dir ~= '' then first, last = '[' .. dir .. '/', '(' .. dir .. '0' end
if after ~= '' then first = '(' .. after end
local members = redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, ARGV[3])
if #members == 0 and after == '' and dir ~= '' and not redis.call('ZSCORE', index, dir) then return nil end
local found = {}
for _, member in ipairs(members) do
  local head, length = '', 0
  if string.sub(member, -1) ~= '!' then
    head, length = redis.call('GETRANGE', place .. member, 0, ARGV[5]), redis.call('STRLEN', place .. member)
  end
  found[#found + 1] = {member, head, length}
end
return found
