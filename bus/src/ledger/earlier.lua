-- Whether everything is settled that stood in a stream at some moment. Changes nothing.
-- KEYS: stream. ARGV: group, id of the last entry at that moment, or '' for this one.
-- Answers {that id, 1 | 0}; {'', 1} when nothing stands there.
local last = ARGV[2]
if last == '' then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if not newest then return { '', 1 } end
  last = newest[1]
end
local function is_after(one, other)
  local ms, number = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_number = string.match(other, '^(%d+)-(%d+)$')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(number) > tonumber(other_number)
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local told = {}
  for i = 1, #group, 2 do told[group[i]] = group[i + 1] end
  if told.name == ARGV[1] and is_after(last, told['last-delivered-id']) then return { last, 0 } end
end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
if pending[1] > 0 and not is_after(pending[2], last) then return { last, 0 } end
return { last, 1 }
