-- Takes a lock, or a place in the queue for it. Asked again and again by whoever waits, which also keeps its place.
-- KEYS: lock, queue (sorted set of tokens by their turn), signs of life (hash of tokens to a deadline in ms).
-- ARGV: token, ttl in ms, time in ms after which a silent waiter loses its place.
-- Answers {1, 0, 0} when the lock is held under the token, else {0, ms that the holder's lease still lives, how many are before}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('GET', KEYS[1]) == ARGV[1] then
  -- The answer to the step that took it was lost.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return { 1, 0, 0 }
end
while true do
  local head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not head or head == ARGV[1] or tonumber(redis.call('HGET', KEYS[3], head) or 0) > now then break end
  redis.call('ZREM', KEYS[2], head)
  redis.call('HDEL', KEYS[3], head)
end
local before = redis.call('ZRANK', KEYS[2], ARGV[1]) or redis.call('ZCARD', KEYS[2])
if before == 0 and redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  return { 1, 0, 0 }
end
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] or 0
redis.call('ZADD', KEYS[2], 'NX', last + 1, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], string.format('%.0f', now + ARGV[3]))
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[3])
redis.call('PEXPIRE', KEYS[3], 2 * ARGV[3])
return { 0, math.max(redis.call('PTTL', KEYS[1]), 0), before }
