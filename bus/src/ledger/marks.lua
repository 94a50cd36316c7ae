-- Marks of finished causes lie in two sets that take turns. A set is written for one window and expires when the window after
-- the next begins, which is just before it is written again; so a mark lives for one to two windows.
local function is_done(even, odd, cause)
  return redis.call('SISMEMBER', even, cause) == 1 or redis.call('SISMEMBER', odd, cause) == 1
end

-- The same of many, by their place.
local function are_done(even, odd, causes)
  local done, others = redis.call('SMISMEMBER', even, unpack(causes)), redis.call('SMISMEMBER', odd, unpack(causes))
  for i = 1, #causes do done[i] = done[i] == 1 or others[i] == 1 end
  return done
end

local function mark(even, odd, window, most, causes)
  local period = math.floor(redis.call('TIME')[1] / window)
  local set = period % 2 == 0 and even or odd
  local over = redis.call('SCARD', set) + #causes - most
  if over > 0 then redis.call('SPOP', set, over) end
  redis.call('SADD', set, unpack(causes))
  redis.call('EXPIREAT', set, (period + 2) * window, 'NX')
end
