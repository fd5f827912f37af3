-- The index: one sorted set, all scores 0, so sorted bytewise. A value is a member by its key, a directory by its key
-- and '!', which sorts before every character of a key: members stand in the order of the keys they mean.
--
-- Scripts compute names of keys from what they read. All names of a prefix share the hash tag {prefix}, and so one slot
-- of one node. While that slot moves to another node, reading a name that has moved fails: every script reads whatever
-- it is about to write before it writes anything, so it takes effect whole or not at all.

-- The directories above a key, from the root down.
local function above(key)
  local dirs, at = {}, string.find(key, '/', 1, true)
  while at do
    dirs[#dirs + 1] = string.sub(key, 1, at - 1)
    at = string.find(key, '/', at + 1, true)
  end
  return dirs
end

-- Why a key cannot have a value, or nil: it is a directory, or a value lies above it.
local function misplaced(index, key)
  local members = above(key)
  members[#members + 1] = key .. '!'
  local scores = redis.call('ZMSCORE', index, unpack(members))
  for i, score in ipairs(scores) do
    if score then
      if i == #members then return 'below' end
      return 'above:' .. members[i]
    end
  end
  return nil
end

-- Enters a key and the directories above it.
local function enter(index, key)
  local args = {0, key}
  for _, dir in ipairs(above(key)) do
    args[#args + 1] = 0
    args[#args + 1] = dir .. '!'
  end
  redis.call('ZADD', index, unpack(args))
end

-- Whether anything lies below a key.
local function has_below(index, key)
  return #redis.call('ZRANGEBYLEX', index, '[' .. key .. '/', '(' .. key .. '0', 'LIMIT', 0, 1) > 0
end

-- Removes the directories above a key that are empty now.
local function prune(index, key)
  local dirs = above(key)
  for i = #dirs, 1, -1 do
    if has_below(index, dirs[i]) then return end
    redis.call('ZREM', index, dirs[i] .. '!')
  end
end

-- Removes a key, and the directories above it that are empty now.
local function leave(index, key)
  redis.call('ZREM', index, key)
  prune(index, key)
end

-- Tells those who watch. A user who may not publish still writes.
local function tell(channel, message)
  if channel ~= '' then redis.pcall('PUBLISH', channel, message) end
end

-- The server's clock, in microseconds since 1970.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function whole(number)
  return string.format('%.0f', number)
end
