-- Lets the passes of a process that still runs their turns live on.
-- KEYS: guests. ARGV: token, ms that a pass lives, lanes...
-- Answers for each lane, in order, the entries that concern its turn and came since the hand-over: 'id,id' or ''; '-' for a
-- lane that is not left to this token any more.
local time = redis.call('TIME')
local deadline = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
local answer = {}
for i = 3, #ARGV do
  local pass = redis.call('HGET', KEYS[1], ARGV[i])
  answer[i - 2] = '-'
  if pass and string.sub(pass, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
    local controls = string.match(pass, '^%S+ %d+ (%S+)$') or ''
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[1] .. ' ' .. deadline .. (controls == '' and '' or ' ' .. controls))
    answer[i - 2] = controls
  end
end
return answer
