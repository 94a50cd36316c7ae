-- The plain reader's settling with marks: what was done before is known, in batches.
-- KEYS: stream, done:0, done:1. ARGV: group, seconds that marks are kept, entries n, n ids, n causes.
-- Answers how many were done before.
local n = tonumber(ARGV[3])
local even, odd = redis.call('SMISMEMBER', KEYS[2], unpack(ARGV, 4 + n, 3 + 2 * n)), redis.call('SMISMEMBER', KEYS[3], unpack(ARGV, 4 + n, 3 + 2 * n))
local copies = 0
for i = 1, n do copies = copies + math.max(even[i], odd[i]) end
local window = tonumber(ARGV[2])
local period = math.floor(redis.call('TIME')[1] / window)
local set = KEYS[2 + period % 2]
redis.call('SADD', set, unpack(ARGV, 4 + n, 3 + 2 * n))
redis.call('EXPIREAT', set, (period + 2) * window, 'NX')
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 4, 3 + n))
return copies
