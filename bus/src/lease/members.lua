-- Refreshes our membership and drops those who fell silent, by the server's clock.
-- KEYS: members. ARGV: instance, ttl in ms. Answers {now, member, its deadline, member, its deadline, ..}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now))
local answer = { string.format('%.0f', now) }
for _, part in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')) do
  answer[#answer + 1] = part
end
return answer
