-- For how many ms a lane is still left to a guest; 0 when it is not. A pass that is over, or that the owner wants back, is
-- removed: from here on the guest's steps are refused.
local function left_to_guest(guests, lane, now, wanted)
  local pass = redis.call('HGET', guests, lane)
  if not pass then return 0 end
  local left = tonumber(string.match(pass, '(%d+)$')) - now
  if left > 0 and not wanted then return left end
  redis.call('HDEL', guests, lane)
  return 0
end
