-- Notes something of a turn before it goes on: fields that are there already stay as they are, unless they are set anew.
-- KEYS: fence, guests, notes. ARGV: token, lane, anew 0 | 1, then field and value of each.
-- Answers {1, field, value...} with what was there before, or {0} when fenced. Kept without expiry until the turn ends.
if not may(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return { 0 } end
local answer = { 1 }
for _, part in ipairs(redis.call('HGETALL', KEYS[3])) do answer[#answer + 1] = part end
for i = 4, #ARGV, 2 do
  redis.call(ARGV[3] == '1' and 'HSET' or 'HSETNX', KEYS[3], ARGV[i], ARGV[i + 1])
end
-- A replay finds the notes of the turn that was given up, which were about to go.
redis.call('PERSIST', KEYS[3])
return answer
