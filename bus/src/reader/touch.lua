-- Makes every older transaction that watches our fence fail: one of a broken connection may still be on its way, and what it
-- would read nobody would know of. Nothing else changes.
-- KEYS: fence. ARGV: token. Answers 1, or 0 once the fence has moved.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
