-- The members in a directory. KEYS: index. ARGV: directory (empty for the root), 1 for all below or 0 for the children.
-- Reply: members; nil where there is neither directory nor value.
local index, dir, deep = KEYS[1], ARGV[1], ARGV[2] == '1'
local first, last, skip = '-', '+', 0
if dir ~= '' then
  first, last, skip = '[' .. dir .. '/', '(' .. dir .. '0', #dir + 1
end
local found = {}
if deep then
  found = redis.call('ZRANGEBYLEX', index, first, last)
else
  -- Pages, which grow while there are only children, and start anew behind each subtree: its size costs nothing.
  local page = 4
  while first do
    local members = redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, page)
    first = #members == page and '(' .. members[#members] or nil
    page = math.min(page * 2, 512)
    for _, member in ipairs(members) do
      local slash = string.find(member, '/', skip + 1, true)
      if slash then
        -- '0' is the character after '/'.
        first, page = '[' .. string.sub(member, 1, slash - 1) .. '0', 4
        break
      end
      found[#found + 1] = member
    end
  end
end
if #found == 0 and dir ~= '' and not redis.call('ZSCORE', index, dir) then return nil end
return found
