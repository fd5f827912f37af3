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

-- What the head of a value tells, or nil where there is no value: see tree/value.rs. Fails on what is none.
local function head(place)
  local text = redis.call('GETRANGE', place, 0, 1023)
  if text == '' then return nil end
  local length, version = string.match(text, '^cs1 (%d%d%d%d) (%x+) ')
  if not length then error(redis.error_reply('WRONGTYPE no value of certstore lies at this name')) end
  length = tonumber(length)
  if length > #text then text = redis.call('GETRANGE', place, 0, length - 1) end
  -- Behind the fixed part: token, how long the locker is, locker, lock.
  local token, size, at = string.match(text, '^ (%d+) (%d%d%d%d) ()', 63)
  if length == 63 then return {version = version} end
  if not token then error(redis.error_reply('WRONGTYPE no value of certstore lies at this name')) end
  size = tonumber(size)
  return {version = version, token = token, locker = string.sub(text, at, at + size - 1),
    lock = string.sub(text, at + size, length - 1)}
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
