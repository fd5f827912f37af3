-- A lock's value and our record beside it. KEYS: lock, record.
return { redis.call('GET', KEYS[1]), redis.call('HMGET', KEYS[2], 'holder', 'record', 'token', 'write') }
