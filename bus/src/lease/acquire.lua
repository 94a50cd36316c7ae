-- Takes a shard unless somebody else's lease on it still lives. Lease and fence are written in one step.
-- KEYS: lock, fence. ARGV: instance, ttl in ms, random part.
-- Answers {1, token} or {0, remaining ms of the other's lease}.
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1] + 1) ~= ARGV[1] .. ':' then
  return { 0, redis.call('PTTL', KEYS[1]) }
end
local time = redis.call('TIME')
local epoch = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('GET', KEYS[2])
if last then
  local before = tonumber(string.match(last, '^[^:]*:(%d+):'))
  if before and before >= epoch then epoch = before + 1 end
end
local token = ARGV[1] .. ':' .. string.format('%.0f', epoch) .. ':' .. ARGV[3]
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return { 1, token }
