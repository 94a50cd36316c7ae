-- Writes the fence again as it is: whoever watches it on another connection is refused from now on.
-- KEYS: fence. ARGV: token. Answers 1, or 0 once the fence has moved.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
