-- Renews or frees a lock that is still held with this value and this record.
-- KEYS: lock, record. ARGV: value, nonce of the record as it is known, lease in ms or '' to free it, record, nonce, token,
-- channel or '', name, how long an idle record is kept in ms.
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('HGET', KEYS[2], 'write') ~= ARGV[2] then
  return 0
end
-- A server whose memory is used up refuses a script by its first write only, and this one takes no memory: holders renew
-- and release all the same.
redis.call('PEXPIRE', KEYS[2], ARGV[9])
redis.call('HSET', KEYS[2], 'record', ARGV[4], 'write', ARGV[5], 'token', ARGV[6])
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  -- A user who may not publish has slower waiters, and no other harm.
  if ARGV[7] ~= '' then redis.pcall('PUBLISH', ARGV[7], ARGV[8]) end
else
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
