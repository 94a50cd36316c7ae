-- Notes what is kept for a while, and lets go of what is too old or too much, the oldest first.
-- KEYS: index (sorted set by time; members are "<bytes> <key>"), its sum in bytes.
-- ARGV: key, bytes, ttl in ms, the most bytes. Answers the keys that were let go.
local member = ARGV[2] .. ' ' .. ARGV[1]
local time = redis.call('TIME')
local now, ttl, most = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[3]), tonumber(ARGV[4])
local sum = tonumber(redis.call('GET', KEYS[2]) or '0')
if not redis.call('ZSCORE', KEYS[1], member) then sum = sum + tonumber(ARGV[2]) end
redis.call('ZADD', KEYS[1], now, member)
local gone = {}
while true do
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if not first[1] or first[1] == member or (sum <= most and tonumber(first[2]) + ttl > now) then break end
  local bytes, key = string.match(first[1], '^(%d+) (.*)$')
  redis.call('ZREM', KEYS[1], first[1])
  sum = sum - tonumber(bytes)
  redis.call('DEL', key)
  gone[#gone + 1] = key
end
redis.call('SET', KEYS[2], string.format('%.0f', math.max(sum, 0)), 'PX', ttl)
redis.call('PEXPIRE', KEYS[1], ttl)
return gone
