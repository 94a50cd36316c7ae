-- Who comes first has a record's field, which is not there for others; a record that is gone comes back for nobody.
-- KEYS: the record. ARGV: field, value, whether it may be taken now.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
if ARGV[3] == '1' then
  redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
end
return redis.call('HGETALL', KEYS[1])
