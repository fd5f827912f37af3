-- What lies in directories, by the sorted sets, without entries whose value or directory is gone.
-- KEYS: the directories. ARGV: how many names are enough for one answer; '0' lists only the directories given.
-- Returns the type of the first directory, {directory, {members}} for each that was visited, and those still to visit.
local enough = tonumber(ARGV[1])
local open, found, at, names = {}, {}, 1, 0
for i, dir in ipairs(KEYS) do open[i] = dir end
while at <= #open and (at == 1 or names < enough) do
  local dir, members = open[at], {}
  at = at + 1
  local kind = redis.call('TYPE', dir).ok
  if kind == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', dir, 0, -1)) do
      local is_dir = string.sub(member, -1) == '/'
      local child = dir .. '/' .. string.gsub(member, '/$', '')
      local below = redis.call('TYPE', child).ok
      if is_dir and below == 'zset' then
        members[#members + 1] = member
        if enough > 0 then open[#open + 1] = child end
      elseif not is_dir and below == 'string' then
        members[#members + 1] = member
      end
    end
  end
  names = names + #members
  found[#found + 1] = { dir, members }
end
local rest = {}
for i = at, #open do rest[#rest + 1] = open[i] end
return { redis.call('TYPE', KEYS[1]).ok, found, rest }
