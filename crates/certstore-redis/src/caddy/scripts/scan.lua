-- One step over the keys of the server that keeps KEYS[1]. ARGV: cursor, pattern.
return redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
