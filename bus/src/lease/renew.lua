-- Renews a lease, also one that lapsed, as long as the fence is still ours.
-- KEYS: lock, fence. ARGV: token, ttl in ms. Answers 1, or 0 once the fence has moved.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
