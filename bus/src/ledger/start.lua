-- Starts the turn of an entry.
-- KEYS: fence, attempts, stream, done:0, done:1. ARGV: token, group, entry, cause ('' where no marks are kept).
-- Answers {'RUN', failures, deaths}, {'WAIT', ms, 0}, {'COPY', 0, 0} (acked: its cause is done) or {'FENCED', 0, 0}.
-- A field of attempts: 'failures deaths not-before-ms token-of-the-running-owner-or-dash'.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 'FENCED', 0, 0 } end
if ARGV[4] ~= '' and (redis.call('SISMEMBER', KEYS[4], ARGV[4]) == 1 or redis.call('SISMEMBER', KEYS[5], ARGV[4]) == 1) then
  redis.call('XACK', KEYS[3], ARGV[2], ARGV[3])
  redis.call('HDEL', KEYS[2], ARGV[3])
  return { 'COPY', 0, 0 }
end
local failures, deaths, not_before, owner = 0, 0, 0, '-'
local field = redis.call('HGET', KEYS[2], ARGV[3])
if field then
  local f, d, n, o = string.match(field, '^(%d+) (%d+) (%d+) (.+)$')
  failures, deaths, not_before, owner = tonumber(f), tonumber(d), tonumber(n), o
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Running under another token: that owner died. The first death costs no pause, later ones grow to 30 s.
if owner ~= '-' and owner ~= ARGV[1] then
  deaths = deaths + 1
  if deaths > 1 then not_before = now + math.min(500 * 2 ^ (deaths - 2), 30000) end
end
local running = ARGV[1]
if not_before > now then running = '-' end
redis.call('HSET', KEYS[2], ARGV[3], failures .. ' ' .. deaths .. ' ' .. string.format('%.0f', not_before) .. ' ' .. running)
if running == '-' then return { 'WAIT', not_before - now, 0 } end
return { 'RUN', failures, deaths }
