-- Writes how often an entry failed and its owner died, and when it may be tried again; nobody runs it now.
-- KEYS: fence, attempts. ARGV: token, entry, failures, deaths, wait in ms. Answers 1, or 0 when fenced.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local not_before = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. string.format('%.0f', not_before) .. ' -')
return 1
