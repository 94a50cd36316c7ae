-- Settles entries, and counts that it did. While the trim point stands still, they are deleted as well: trimming would keep
-- them.
local function ack(stream, group, attempts, settled, ids, deletes)
  redis.call('XACK', stream, group, unpack(ids))
  redis.call('HDEL', attempts, unpack(ids))
  if deletes then redis.call('XDEL', stream, unpack(ids)) end
  return redis.call('INCR', settled)
end

-- Whether Redis has fewer settlements than its owner was answered: it was restarted, and forgot some. What they settled is
-- pending again, and nothing may overtake it.
local function has_forgotten(settled, known)
  return tonumber(redis.call('GET', settled) or '0') < tonumber(known)
end
