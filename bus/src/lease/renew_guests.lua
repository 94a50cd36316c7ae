-- Lets the passes of a process that still runs their turns live on.
-- KEYS: guests. ARGV: token, ms that a pass lives, lanes... Answers how many passes are still the token's.
local time = redis.call('TIME')
local deadline = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
local kept = 0
for i = 3, #ARGV do
  local pass = redis.call('HGET', KEYS[1], ARGV[i])
  if pass and string.sub(pass, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[1] .. ' ' .. deadline)
    kept = kept + 1
  end
end
return kept
