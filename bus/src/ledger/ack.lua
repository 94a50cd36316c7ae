-- Settles the entries from..to of a list, and counts that it did. While the trim point stands still, they are deleted as well:
-- trimming would keep them.
local function ack(stream, group, attempts, settled, deletes, list, from, to)
  redis.call('XACK', stream, group, unpack(list, from, to))
  redis.call('HDEL', attempts, unpack(list, from, to))
  if deletes then redis.call('XDEL', stream, unpack(list, from, to)) end
  return redis.call('INCR', settled)
end

-- Whether Redis has fewer settlements than its owner was answered: it was restarted, and forgot some. What they settled is
-- pending again, and nothing may overtake it.
local function has_forgotten(settled, known)
  return tonumber(redis.call('GET', settled) or '0') < tonumber(known)
end
