-- How many entries of a stream its group has not finished, as far as that is asked: the length counts more, but is cheap, so
-- while that is below the bound it is the answer. While Redis does not know the lag, the length counts as well.
local function unfinished(stream, group, bound)
  local count = redis.call('XLEN', stream)
  if count < bound then return count end
  for _, found in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local state = {}
    for i = 1, #found, 2 do state[found[i]] = found[i + 1] end
    if state.name == group and state.lag then count = state.lag + state.pending end
  end
  return count
end
