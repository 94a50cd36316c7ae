-- Deletes the consumers of a group that hold nothing and have been idle for long.
-- KEYS: stream. ARGV: group, our own name, idle time in ms.
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local state = {}
  for i = 1, #consumer, 2 do state[consumer[i]] = consumer[i + 1] end
  if state.name ~= ARGV[2] and state.pending == 0 and state.idle > tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], state.name)
  end
end
