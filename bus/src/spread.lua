-- Divides the parts of something evenly over the members that live, moving as few of them as that takes.
-- KEYS: the division (hash: `of`, `note`, `seen` the last tick of any member and `until` the moment up to which nothing is taken,
-- in ms, `@<member>` to its deadline in ms, each part to its member).
-- ARGV: member, ttl in ms, the number of parts as the member knows it, 1 when that number has to rule, 1 when the member was
-- counted in before, the parts that the member holds, those first that it should keep.
-- Answers {number of parts, note, members, {parts that are the member's}, {those of them that it should leave}}. With another
-- number of parts than the member's, it has none.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, me, ttl, wanted, rules = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local known, kept = {}, redis.call('HGETALL', key)
for at = 1, #kept, 2 do known[kept[at]] = kept[at + 1] end

-- A tick after which nobody was seen for a whole ttl says that it was us who were away: whoever was there may say so once more.
local later = string.format('%.0f', now + ttl)
if known.seen and now - tonumber(known.seen) >= ttl then
  for field in pairs(known) do
    if string.sub(field, 1, 1) == '@' then
      redis.call('HSET', key, field, later)
      known[field] = later
    end
  end
elseif #kept == 0 and ARGV[5] == '1' then
  -- We forgot who holds what: each member says it within a ttl, and until then nothing is known to be free.
  redis.call('HSET', key, 'until', later)
  known['until'] = later
end
redis.call('HSET', key, 'seen', string.format('%.0f', now))

redis.call('HSET', key, '@' .. me, later)
redis.call('PEXPIRE', key, 10 * ttl)
known['@' .. me] = later
local members, counts = 0, {}
for field, value in pairs(known) do
  if string.sub(field, 1, 1) == '@' then
    if tonumber(value) > now then
      members, counts[string.sub(field, 2)] = members + 1, 0
    else
      redis.call('HDEL', key, field)
    end
  end
end

local of = tonumber(known.of)
if not of or rules or members == 1 then of = wanted end
redis.call('HSET', key, 'of', of)
local note = known.note or ''
if of ~= wanted then return { of, note, members, {}, {} } end

-- What a member does not name any more it has given up; what a dead one held is free.
local holds = {}
for at = 6, #ARGV do holds[ARGV[at]] = true end
local holder = {}
for field, value in pairs(known) do
  local part = tonumber(field)
  if part then
    if part < of and counts[value] and (value ~= me or holds[field]) then
      holder[field] = value
      counts[value] = counts[value] + 1
    else
      redis.call('HDEL', key, field)
    end
  end
end
local mine = {}
for at = 6, #ARGV do
  local part = ARGV[at]
  if not holder[part] and tonumber(part) < of then
    redis.call('HSET', key, part, me)
    holder[part], counts[me] = me, counts[me] + 1
  end
  if holder[part] == me then mine[#mine + 1] = part end
end

local least = math.floor(of / members)
local most = least
if of % members > 0 then most = least + 1 end
local free, needed = {}, 0
for part = 0, of - 1 do
  local name = tostring(part)
  if not holder[name] then free[#free + 1] = name end
end
for member, count in pairs(counts) do
  if member ~= me then needed = needed + math.max(0, least - count) end
end
local takes = math.min(#free, math.max(0, least - #mine))
if #mine + takes == least and least < most and #free - takes > needed then takes = takes + 1 end
if tonumber(known['until'] or 0) > now then takes = 0 end
for at = 1, takes do
  redis.call('HSET', key, free[at], me)
  mine[#mine + 1] = free[at]
end
local leaves = math.max(0, #mine - most)
if leaves == 0 and #mine > least and needed > #free - takes then leaves = 1 end
local leave = {}
for at = #mine - leaves + 1, #mine do leave[#leave + 1] = mine[at] end
return { of, note, members, mine, leave }
