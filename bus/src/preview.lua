-- Publishes previews only while the fence is ours.
-- KEYS: fence, channel. ARGV: token, payload, command. Answers 1, or 0 when fenced.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call(ARGV[3], KEYS[2], ARGV[2])
return 1
