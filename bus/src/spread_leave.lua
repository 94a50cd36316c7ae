-- A member leaves: what it held is free at once. KEYS: the division. ARGV: member.
local kept = redis.call('HGETALL', KEYS[1])
for at = 1, #kept, 2 do
  if kept[at] == '@' .. ARGV[1] or (tonumber(kept[at]) and kept[at + 1] == ARGV[1]) then
    redis.call('HDEL', KEYS[1], kept[at])
  end
end
return 1
