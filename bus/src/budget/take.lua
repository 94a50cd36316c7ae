-- Takes up to a number of places of a budget whose places come back with time, by the server's clock.
-- KEYS: budget. ARGV: wanted, the most at once, places a second. Answers {given, ms until there is one where none was given}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'left', 'at', 'shut')
local shut = tonumber(kept[3] or 0) - now
if shut > 0 then return { 0, shut } end
local most, per_ms = tonumber(ARGV[2]), tonumber(ARGV[3]) / 1000
local left = math.min(most, tonumber(kept[1] or most) + math.max(0, now - tonumber(kept[2] or now)) * per_ms)
local given = math.min(tonumber(ARGV[1]), math.floor(left + 1e-9))
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left - given), 'at', now)
-- Full again by then.
redis.call('PEXPIRE', KEYS[1], math.ceil(most / per_ms) + 1000)
if given > 0 then return { given, 0 } end
return { 0, math.ceil((1 - left) / per_ms) }
