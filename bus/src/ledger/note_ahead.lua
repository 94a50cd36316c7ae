-- Notes something of an action before its own turn has begun, or of another turn's action: what is left of it expires unless
-- that turn takes it up. Fields that are there already stay as they are, unless they are set anew. The value '@now' is written
-- as the server's time.
-- KEYS: fence, guests, notes. ARGV: token, lane, seconds kept, anew 0 | 1, then field and value of each.
-- Answers {1, now in ms, '0', field, value...} with what was there before, {2, the same} when nothing was written, since the
-- action's own send has begun ('state') or what goes ahead of it is over ('over'), or {0} when fenced.
if not may(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return { 0 } end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local answer = { 1, now, '0' }
local is_late = false
local found = redis.call('HGETALL', KEYS[3])
for i = 1, #found, 2 do
  if found[i] == 'state' or found[i] == 'over' then is_late = true end
  answer[#answer + 1], answer[#answer + 2] = found[i], found[i + 1]
end
if is_late then
  answer[1] = 2
  return answer
end
for i = 5, #ARGV, 2 do
  local value = ARGV[i + 1]
  if value == '@now' then value = now end
  redis.call(ARGV[4] == '1' and 'HSET' or 'HSETNX', KEYS[3], ARGV[i], value)
end
-- For note.lua: that these notes expire does not mean that their turn has ended.
redis.call('HSET', KEYS[3], 'ahead', '1')
redis.call('EXPIRE', KEYS[3], ARGV[3])
return answer
