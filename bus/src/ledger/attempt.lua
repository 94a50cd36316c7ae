-- Writes how often an entry failed and its owner died, and when it may be tried again; nobody runs it now.
-- KEYS: fence, guests, attempts. ARGV: token, lane, entry, failures, deaths, wait in ms. Answers 1, or 0 when fenced.
local right = may(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if not right then return 0 end
-- One that arrives late, when its turn is over, would leave a record that nobody removes.
local time = redis.call('TIME')
local not_before = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[6]
if redis.call('HEXISTS', KEYS[3], ARGV[3]) == 1 then
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. string.format('%.0f', not_before) .. ' -')
end
if right == 'guest' then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
