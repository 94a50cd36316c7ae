-- For how many ms a part of a budget is closed. KEYS: what is closed. ARGV: part.
local till = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not till then return 0 end
local time = redis.call('TIME')
return math.max(0, tonumber(till) - time[1] * 1000 - math.floor(time[2] / 1000))
