-- Publishes previews only while they may be.
-- KEYS: fence, guests, channel. ARGV: token, lane, payload, command. Answers 1, or 0 when fenced.
if not may(KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 0 end
redis.call(ARGV[4], KEYS[3], ARGV[3])
return 1
