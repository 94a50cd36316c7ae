-- Gives an entry up in one step: dead letter, ack, and a message to the user.
-- KEYS: fence, guests, stream, attempts, notes, dead letters, done:0, done:1, settled[, outbound stream].
-- ARGV: token, lane, group, entry, error, attempt, data, ts, trace id, deletes 0 | 1, seconds that the notes are kept,
--       seconds that marks are kept (0: none are), marks a set may hold, settlements known, joined entries n, n times: id, cause
--       [, notice, its ts, its trace id].
-- What had joined the turn is done with it, and leaves a mark; the entry itself leaves none, so that a replay can run.
-- Answers the settlements, 1 when it had been done before, -1 when some were forgotten, or 0 when fenced.
local right = may(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if not right then return 0 end
if has_forgotten(KEYS[9], ARGV[14]) then return -1 end
if right == 'guest' then redis.call('HDEL', KEYS[2], ARGV[2]) end
if #redis.call('XPENDING', KEYS[3], ARGV[3], ARGV[4], ARGV[4], 1) == 0 then return 1 end
redis.call('XADD', KEYS[6], '*', 'original_stream', KEYS[3], 'original_msg_id', ARGV[4], 'error', ARGV[5],
  'attempt', ARGV[6], 'data', ARGV[7], 'ts', ARGV[8], 'trace_id', ARGV[9])
local ids, causes, at = { ARGV[4] }, {}, 15
for i = 1, tonumber(ARGV[15]) do
  ids[i + 1], causes[i] = ARGV[at + 1], ARGV[at + 2]
  at = at + 2
end
if KEYS[10] then
  redis.call('XADD', KEYS[10], '*', 'data', ARGV[at + 1], 'ts', ARGV[at + 2], 'trace_id', ARGV[at + 3])
end
local window = tonumber(ARGV[12])
if window > 0 and #causes > 0 then mark(KEYS[7], KEYS[8], window, tonumber(ARGV[13]), causes, 1, #causes) end
-- For who looks at the letter, and for a replay that makes the same calls.
redis.call('EXPIRE', KEYS[5], ARGV[11])
return ack(KEYS[3], ARGV[3], KEYS[4], KEYS[9], ARGV[10] == '1', ids, 1, #ids)
