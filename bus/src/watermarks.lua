-- Raises marks, and lets the lowest go where there are too many.
-- KEYS: marks (hash of things to their marks), their order (sorted set of things by mark, as exact as such a set is).
-- ARGV: how many are kept, ttl in s, then a thing and its mark each, the mark in decimal without leading zeros.
local function is_above(one, other)
  -- As text: a number here is exact to 2^53, and a mark is longer.
  if #one ~= #other then return #one > #other end
  return one > other
end
for at = 3, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[at])
  if not known or is_above(ARGV[at + 1], known) then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
    redis.call('ZADD', KEYS[2], ARGV[at + 1], ARGV[at])
  end
end
local beyond = redis.call('ZCARD', KEYS[2]) - ARGV[1]
if beyond > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[2], beyond)
  for at = 1, #gone, 2 do redis.call('HDEL', KEYS[1], gone[at]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
