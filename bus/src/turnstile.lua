-- Asks whether somebody may pass, and lets them pass where they may and want to.
-- KEYS: turnstile (hash: `any` and `l:<lane>` to the time of the last pass in ms, `w:<who>` to that time and a count).
-- ARGV: lane, who, 1 to pass, ms between two of a lane, ms between any two, how many may follow each other freely, the first pause
-- of who comes more often and the longest in ms, ms after which who did not come is new again.
-- Answers {ms that the lane waits, ms that this one waits, how often it came in a row}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lane, who, passes = 'l:' .. ARGV[1], 'w:' .. ARGV[2], ARGV[3] == '1'
local every, apart, free, first, longest, calm =
  tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local kept = redis.call('HMGET', KEYS[1], lane, 'any', who)
-- A clock that was set back must not shut anybody out.
local function left(last, pause)
  if not last then return 0 end
  return math.max(0, math.min(pause, tonumber(last) + pause - now))
end
local last, count = string.match(kept[3] or '', '^(%d+) (%d+)$')
count = tonumber(count or 0)
if last and now - tonumber(last) >= calm then count = 0 end
local own = left(kept[2], apart)
if count >= free then own = math.max(own, left(last, math.min(longest, first * 2 ^ math.min(count - free, 30)))) end
local of_lane = left(kept[1], every)
if passes and own <= 0 and of_lane <= 0 then
  local at = string.format('%.0f', now)
  redis.call('HSET', KEYS[1], lane, at, 'any', at, who, at .. ' ' .. string.format('%.0f', count + 1))
  redis.call('PEXPIRE', KEYS[1], math.max(calm, apart))
  return { 0, 0, count + 1 }
end
return { math.ceil(of_lane), math.ceil(own), count }
