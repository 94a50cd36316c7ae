-- Lets a lock live on. KEYS: lock. ARGV: token, ttl in ms. Answers 1, or 0 when it is not held under the token any more.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
