-- For how many ms a lane is still left to a guest; 0 when it is not. A pass that is over is removed: from here on the guest's
-- steps are refused. `controls` are entries that concern the guest's turn, for its process to read: 'id,id' or ''.
local function left_to_guest(guests, lane, now, controls)
  local pass = redis.call('HGET', guests, lane)
  if not pass then return 0 end
  local token, deadline = string.match(pass, '^(%S+) (%d+)')
  local left = tonumber(deadline) - now
  if left <= 0 then
    redis.call('HDEL', guests, lane)
    return 0
  end
  if controls ~= '' then redis.call('HSET', guests, lane, token .. ' ' .. deadline .. ' ' .. controls) end
  return left
end
