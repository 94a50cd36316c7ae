-- Starts the turn of an entry.
-- KEYS: fence, guests, attempts, stream, done:0, done:1, settled.
-- ARGV: token, lane, group, entry, cause ('' where no marks are kept), deletes 0 | 1,
--       ms after which a lane that is left to a guest is looked at again, entries that concern the turn ('id,id' or ''),
--       settlements known.
-- Answers {'RUN', failures, deaths}, {'WAIT', ms, 1 while its lane is left to a guest, else 0}, {'COPY', settlements, 0}
-- (acked: its cause is done), {'GONE', 0, 0} (settled already), {'FORGOT', 0, 0} or {'FENCED', 0, 0}.
-- A field of attempts: 'failures deaths not-before-ms token-of-the-running-owner-or-dash'.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 'FENCED', 0, 0 } end
if has_forgotten(KEYS[7], ARGV[9]) then return { 'FORGOT', 0, 0 } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left = left_to_guest(KEYS[2], ARGV[2], now, ARGV[8])
if left > 0 then return { 'WAIT', math.min(left, tonumber(ARGV[7])), 1 } end
-- A guest, or a commit that was on its way when a page was claimed, may have settled it; and a start that arrives late, when
-- its turn is over, would leave a record that nobody removes.
if #redis.call('XPENDING', KEYS[4], ARGV[3], ARGV[4], ARGV[4], 1) == 0 then return { 'GONE', 0, 0 } end
if ARGV[5] ~= '' and is_done(KEYS[5], KEYS[6], ARGV[5]) then
  return { 'COPY', ack(KEYS[4], ARGV[3], KEYS[3], KEYS[7], ARGV[6] == '1', ARGV, 4, 4), 0 }
end
local failures, deaths, not_before, owner = 0, 0, 0, '-'
local field = redis.call('HGET', KEYS[3], ARGV[4])
if field then
  local f, d, n, o = string.match(field, '^(%d+) (%d+) (%d+) (.+)$')
  failures, deaths, not_before, owner = tonumber(f), tonumber(d), tonumber(n), o
end
-- Running under another token: that owner died. The first death costs no pause, later ones grow to 30 s.
if owner ~= '-' and owner ~= ARGV[1] then
  deaths = deaths + 1
  if deaths > 1 then not_before = now + math.min(500 * 2 ^ (deaths - 2), 30000) end
end
local running = ARGV[1]
if not_before > now then running = '-' end
redis.call('HSET', KEYS[3], ARGV[4], failures .. ' ' .. deaths .. ' ' .. string.format('%.0f', not_before) .. ' ' .. running)
if running == '-' then return { 'WAIT', not_before - now, 0 } end
return { 'RUN', failures, deaths }
