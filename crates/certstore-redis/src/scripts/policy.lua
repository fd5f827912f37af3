-- What the node that keeps this key does when its memory is used up. KEYS: any.
return string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:(%S+)')
