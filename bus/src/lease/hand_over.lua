-- Gives a shard up: the fence becomes nobody's token (its epoch kept), the lease is dropped, and each lane whose turn still
-- runs is left to that turn.
-- KEYS: lock, fence, guests, attempts. ARGV: token, ms that a pass lives, then lane and entry of each running turn.
-- Answers the number of lanes left to guests, the same when it is repeated since its answer was lost; or -1 when the shard was
-- not ours any more.
local given_up = '-:' .. string.match(ARGV[1], '^[^:]*:(%d+):') .. ':-'
local fence = redis.call('GET', KEYS[2])
local is_ours = fence == ARGV[1]
local time = redis.call('TIME')
local deadline = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
local left = 0
for i = 3, #ARGV, 2 do
  if is_ours then
    -- A turn that was settled a moment ago has no record any more, and one that has not begun has none yet.
    local record = redis.call('HGET', KEYS[4], ARGV[i + 1])
    if record and string.sub(record, -#ARGV[1] - 1) == ' ' .. ARGV[1] then
      redis.call('HSET', KEYS[3], ARGV[i], ARGV[1] .. ' ' .. deadline)
      left = left + 1
    end
  else
    -- Its process counts the passes' time from this answer on.
    local pass = redis.call('HGET', KEYS[3], ARGV[i])
    if pass and string.sub(pass, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
      local controls = string.match(pass, '^%S+ %d+( %S+)$') or ''
      redis.call('HSET', KEYS[3], ARGV[i], ARGV[1] .. ' ' .. deadline .. controls)
      left = left + 1
    end
  end
end
if not is_ours then return (left > 0 or fence == given_up) and left or -1 end
redis.call('SET', KEYS[2], given_up)
redis.call('DEL', KEYS[1])
return left
