-- Ends a turn in one step: actions, history, marks of its causes, acks. Nothing happens unless the turn may.
-- KEYS: fence, guests, stream, attempts, done:0, done:1, notes, history, settled, outbound streams...
-- ARGV: token, lane, group, seconds that marks are kept (0: none are), marks a set may hold, now in ms, deletes 0 | 1,
--       settlements known,
--       entries n, n times: id, cause,
--       seconds that the notes are kept (0: they go), f, f times: field, value,
--       history 0 | 1, clear, drop newest, keep, ttl in s, m, m messages,
--       actions k, k times: index of the outbound stream, data, trace id.
-- Answers {'NOW', settlements}, {'BEFORE', settlements} (the first cause was done already; everything is acked), {'FORGOT', 0}
-- or {'FENCED', 0}.
local right = may(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if not right then return { 'FENCED', 0 } end
if has_forgotten(KEYS[9], ARGV[8]) then return { 'FORGOT', 0 } end
local at = 8
local function next_arg()
  at = at + 1
  return ARGV[at]
end

local ids, causes = {}, {}
for i = 1, tonumber(next_arg()) do
  ids[i], causes[i] = next_arg(), next_arg()
end
local window = tonumber(ARGV[4])
local function settle()
  if right == 'guest' then redis.call('HDEL', KEYS[2], ARGV[2]) end
  return ack(KEYS[3], ARGV[3], KEYS[4], KEYS[9], ARGV[7] == '1', ids, 1, #ids)
end

if window > 0 then
  if is_done(KEYS[5], KEYS[6], causes[1]) then
    return { 'BEFORE', settle() }
  end
elseif #redis.call('XPENDING', KEYS[3], ARGV[3], ids[1], ids[1], 1) == 0 then
  return { 'BEFORE', settle() }
end

local kept = tonumber(next_arg())
local fields = {}
for i = 1, 2 * next_arg() do fields[i] = next_arg() end
redis.call('DEL', KEYS[7])
if kept > 0 then
  redis.call('HSET', KEYS[7], unpack(fields))
  redis.call('EXPIRE', KEYS[7], kept)
end

if next_arg() == '1' then
  local clear, drop, keep, ttl = next_arg(), tonumber(next_arg()), next_arg(), next_arg()
  if clear == '1' then redis.call('DEL', KEYS[8]) end
  if drop > 0 then redis.call('LTRIM', KEYS[8], 0, -drop - 1) end
  local count = tonumber(next_arg())
  for _ = 1, count do redis.call('RPUSH', KEYS[8], next_arg()) end
  if count > 0 then
    redis.call('LTRIM', KEYS[8], -keep, -1)
    redis.call('EXPIRE', KEYS[8], ttl)
  end
end

for _ = 1, tonumber(next_arg()) do
  local stream, data, trace = KEYS[10 + next_arg()], next_arg(), next_arg()
  redis.call('XADD', stream, '*', 'data', data, 'ts', ARGV[6], 'trace_id', trace)
end

if window > 0 then mark(KEYS[5], KEYS[6], window, tonumber(ARGV[5]), causes, 1, #causes) end
return { 'NOW', settle() }
