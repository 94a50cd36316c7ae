-- Gives up a lock, or the place in its queue. KEYS: lock, queue, signs of life. ARGV: token. Answers 1 when it was held.
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
