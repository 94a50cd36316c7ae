-- Counts what was refused, in windows that begin with the first one. KEYS: count. ARGV: ms of a window.
-- Answers {how many in this window, ms that are left of it}.
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return { count, left }
