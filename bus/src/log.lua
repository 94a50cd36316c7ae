-- Appends to a numbered log under an action id, and announces the entry. An id that was appended before is not appended again.
-- With a queue, the same step appends an envelope to a stream: both or neither; when the last one was is kept among the ids, as
-- that of no id.
-- KEYS: log, its ids[, stream].
-- ARGV: id, data, entries kept, ttl in s, publish command, 1 to append only to a log that is there
--       [, bound, payload, ts, trace id, group that works on the stream, 1 to append again what was forgotten].
-- Answers {number, 1 | 0 when it was there already}, {-1, 0} when the stream is full, {-2, 0} when there is no log, {-3, 0} when
-- what was forgotten would come behind what came later.
local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
if known then return { tonumber(known), 0 } end
if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then return { -2, 0 } end
if KEYS[3] then
  local last = tonumber(redis.call('ZSCORE', KEYS[2], '') or '0')
  if ARGV[12] == '1' and last > tonumber(ARGV[9]) then return { -3, 0 } end
  if unfinished(KEYS[3], ARGV[11], tonumber(ARGV[7])) >= tonumber(ARGV[7]) then return { -1, 0 } end
  redis.call('XADD', KEYS[3], '*', 'data', ARGV[8], 'ts', ARGV[9], 'trace_id', ARGV[10])
  redis.call('ZADD', KEYS[2], math.max(last, ARGV[9]), '')
end
local number = 1
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last then number = tonumber(string.match(last[1], '^(%d+)')) + 1 end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], number .. '-0', 'data', ARGV[2])
redis.call('ZADD', KEYS[2], number, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -2 * ARGV[3] - 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call(ARGV[5], KEYS[1], number .. ' ' .. ARGV[2])
return { number, 1 }
