-- Ends a turn in one step: actions, history, marks of its causes, acks. Nothing happens unless the fence is ours.
-- KEYS: fence, stream, attempts, done:0, done:1, history, outbound streams...
-- ARGV: token, group, seconds that marks are kept (0: none are), marks a set may hold, now in ms,
--       entries n, n times: id, cause,
--       history 0 | 1, clear, drop newest, keep, ttl in s, m, m messages,
--       actions k, k times: index of the outbound stream, data, trace id.
-- Answers 'NOW', 'BEFORE' (the first cause was done already; everything is acked) or 'FENCED'.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'FENCED' end
local at = 5
local function next_arg()
  at = at + 1
  return ARGV[at]
end

local ids, causes = {}, {}
for i = 1, tonumber(next_arg()) do
  ids[i], causes[i] = next_arg(), next_arg()
end
local window = tonumber(ARGV[3])
local function ack()
  redis.call('XACK', KEYS[2], ARGV[2], unpack(ids))
  redis.call('HDEL', KEYS[3], unpack(ids))
end

if window > 0 then
  if redis.call('SISMEMBER', KEYS[4], causes[1]) == 1 or redis.call('SISMEMBER', KEYS[5], causes[1]) == 1 then
    ack()
    return 'BEFORE'
  end
elseif #redis.call('XPENDING', KEYS[2], ARGV[2], ids[1], ids[1], 1) == 0 then
  return 'BEFORE'
end

if next_arg() == '1' then
  local clear, drop, keep, ttl = next_arg(), tonumber(next_arg()), next_arg(), next_arg()
  if clear == '1' then redis.call('DEL', KEYS[6]) end
  if drop > 0 then redis.call('LTRIM', KEYS[6], 0, -drop - 1) end
  local count = tonumber(next_arg())
  for _ = 1, count do redis.call('RPUSH', KEYS[6], next_arg()) end
  if count > 0 then
    redis.call('LTRIM', KEYS[6], -keep, -1)
    redis.call('EXPIRE', KEYS[6], ttl)
  end
end

for _ = 1, tonumber(next_arg()) do
  local stream, data, trace = KEYS[7 + next_arg()], next_arg(), next_arg()
  redis.call('XADD', stream, '*', 'data', data, 'ts', ARGV[5], 'trace_id', trace)
end

if window > 0 then
  -- Two sets take turns. A set is written for one window and expires when the window after the next begins, which is just
  -- before it is written again; so a mark lives for one to two windows.
  local second = redis.call('TIME')[1]
  local period = math.floor(second / window)
  local set = KEYS[4 + period % 2]
  if redis.call('SCARD', set) >= tonumber(ARGV[4]) then redis.call('SPOP', set) end
  redis.call('SADD', set, unpack(causes))
  redis.call('EXPIREAT', set, (period + 2) * window, 'NX')
end
ack()
return 'NOW'
