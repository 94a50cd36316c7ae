-- Puts a dead letter back at the end of the stream that it came from: both, or neither.
-- KEYS: dead letters, stream. ARGV: letter, bound of the stream, its group.
-- Answers 1, 0 when there is no such letter (any more), or -1 when the stream is full.
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
local field = {}
for i = 1, #letter[2], 2 do field[letter[2][i]] = letter[2][i + 1] end
if field.original_stream ~= KEYS[2] then return 0 end
local bound = tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[2]) == 1 and unfinished(KEYS[2], ARGV[3], bound) >= bound then return -1 end
redis.call('XADD', KEYS[2], '*', 'data', field.data or '', 'ts', field.ts or '0', 'trace_id', field.trace_id or '')
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
