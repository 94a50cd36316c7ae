-- Notes something of a turn before it goes on: fields that are there already stay as they are, unless they are set anew. The
-- value '@now' is written as the server's time, one clock for all processes.
-- KEYS: fence, guests, attempts, notes. ARGV: token, lane, entry, anew 0 | 1, number of the run, then field and value of each.
-- Answers {1, now in ms, '1' when the turn was given up or ended before, else '0', field, value...} with what was there before,
-- or {0} when the turn may not or does not run, or runs anew since. Kept without expiry until the turn ends.
if not may(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return { 0 } end
-- One that comes late would be kept for ever.
local record = redis.call('HGET', KEYS[3], ARGV[3])
if not record or string.sub(record, -#ARGV[1] - 1) ~= ' ' .. ARGV[1] then return { 0 } end
-- One of an earlier run of the same owner, whose connection broke, would undo what a later one has noted: that a send surely was
-- not made, after it was.
local run = ARGV[5] .. ' ' .. ARGV[1]
local last = redis.call('HGET', KEYS[4], 'run')
if last and string.sub(last, -#ARGV[1] - 1) == ' ' .. ARGV[1] and tonumber(string.match(last, '^%d+')) > tonumber(ARGV[5]) then
  return { 0 }
end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
-- Notes of a turn that ended are about to go, and a replay finds them.
local had_ended = redis.call('PERSIST', KEYS[4])
-- What was noted before the turn began expires as well (note_ahead.lua).
if redis.call('HDEL', KEYS[4], 'ahead') == 1 then had_ended = 0 end
local answer = { 1, now, tostring(had_ended) }
for _, part in ipairs(redis.call('HGETALL', KEYS[4])) do answer[#answer + 1] = part end
redis.call('HSET', KEYS[4], 'run', run)
for i = 6, #ARGV, 2 do
  local value = ARGV[i + 1]
  if value == '@now' then value = now end
  redis.call(ARGV[4] == '1' and 'HSET' or 'HSETNX', KEYS[4], ARGV[i], value)
end
return answer
