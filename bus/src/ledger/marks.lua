-- Marks of finished causes lie in two sets that take turns. A set is written for one window and expires when the window after
-- the next begins, which is just before it is written again; so a mark lives for one to two windows.
local function is_done(even, odd, cause)
  return redis.call('SISMEMBER', even, cause) == 1 or redis.call('SISMEMBER', odd, cause) == 1
end

-- Marks the causes from..to of a list.
local function mark(even, odd, window, most, list, from, to)
  local period = math.floor(redis.call('TIME')[1] / window)
  local set = period % 2 == 0 and even or odd
  local over = redis.call('SCARD', set) + to - from + 1 - most
  if over > 0 then redis.call('SPOP', set, over) end
  redis.call('SADD', set, unpack(list, from, to))
  redis.call('EXPIREAT', set, (period + 2) * window, 'NX')
end
