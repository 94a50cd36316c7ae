-- Gives a shard up: the fence becomes nobody's token (its epoch kept) and the lease is dropped.
-- KEYS: lock, fence. ARGV: token. Answers 1, or 0 when the shard was not ours any more.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], '-:' .. string.match(ARGV[1], '^[^:]*:(%d+):') .. ':-')
redis.call('DEL', KEYS[1])
return 1
