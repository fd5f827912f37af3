-- Whether a write under a lock is refused: nil, or why. `old` is the head of the value that is there, if any; tokens have 20 digits, so they compare as text. `record` is the lock's record where the lock is one of
-- this storage: then its holder must be the very one that writes. A record that is gone refuses everybody.
local function fenced(old, locker, lock, token, record)
  if old and old.locker == locker and old.lock == lock and old.token > token then return 'stamped' end
  if record == '' then return nil end
  local held = redis.call('HMGET', record, 'state', 'token')
  if not held[1] then return 'unrecorded' end
  if held[1] ~= 'held' then return 'released' end
  if tonumber(held[2]) ~= tonumber(token) then return 'superseded' end
  return nil
end
