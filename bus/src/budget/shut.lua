-- Gives no places of a budget for a while. KEYS: budget. ARGV: ms.
local time = redis.call('TIME')
local till = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local kept = tonumber(redis.call('HGET', KEYS[1], 'shut') or 0)
till = math.max(kept, till)
redis.call('HSET', KEYS[1], 'shut', string.format('%.0f', till))
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', till + 60000))
return 1
