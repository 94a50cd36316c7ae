-- Settles entries. While the trim point stands still, they are deleted as well: trimming would keep them.
local function ack(stream, group, attempts, ids, deletes)
  redis.call('XACK', stream, group, unpack(ids))
  redis.call('HDEL', attempts, unpack(ids))
  if deletes then redis.call('XDEL', stream, unpack(ids)) end
end
