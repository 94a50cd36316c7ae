-- Trims a stream at its low water: the lowest pending id, or the last delivered one when none is.
-- KEYS: fence, stream. ARGV: token, group. Answers the lowest pending id, or '' when none is, or 'FENCED'.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'FENCED' end
local pending = redis.call('XPENDING', KEYS[2], ARGV[2])
local low = pending[2]
if pending[1] == 0 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
    local state = {}
    for i = 1, #group, 2 do state[group[i]] = group[i + 1] end
    if state.name == ARGV[2] then low = state['last-delivered-id'] end
  end
end
if low then redis.call('XTRIM', KEYS[2], 'MINID', '~', low) end
return pending[1] > 0 and low or ''
