-- Gives an entry up in one step: dead letter, ack, and a message to the user.
-- KEYS: fence, stream, attempts, dead letters[, outbound stream].
-- ARGV: token, group, entry, error, attempt, data, ts, trace id[, notice, its ts, its trace id].
-- Answers 1 (also when it had been done before), or 0 when fenced.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if #redis.call('XPENDING', KEYS[2], ARGV[2], ARGV[3], ARGV[3], 1) == 0 then return 1 end
redis.call('XADD', KEYS[4], '*', 'original_stream', KEYS[2], 'original_msg_id', ARGV[3], 'error', ARGV[4],
  'attempt', ARGV[5], 'data', ARGV[6], 'ts', ARGV[7], 'trace_id', ARGV[8])
if KEYS[5] then
  redis.call('XADD', KEYS[5], '*', 'data', ARGV[9], 'ts', ARGV[10], 'trace_id', ARGV[11])
end
redis.call('XACK', KEYS[2], ARGV[2], ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[3])
return 1
