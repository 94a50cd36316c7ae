-- By what right a step is made: 'owner' of the shard, or 'guest' whom this lane was left to when the shard was handed over;
-- false for everybody else. A pass: 'token deadline-ms[ entries that concern the turn]'.
local function may(fence, guests, token, lane)
  if redis.call('GET', fence) == token then return 'owner' end
  local pass = redis.call('HGET', guests, lane)
  if pass and string.sub(pass, 1, #token + 1) == token .. ' ' then return 'guest' end
  return false
end
