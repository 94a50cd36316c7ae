-- Settles entries that need no turn, of many lanes in one step: what is remembered of them, marks of their causes, acks.
-- KEYS: fence, guests, stream, attempts, done:0, done:1, settled, history of each lane...
-- ARGV: token, group, seconds that marks are kept, marks a set may hold, deletes 0 | 1, settlements known,
--       lanes l, entries n, 1 when each lane remembers all of its entries or none,
--       n ids, n causes, n messages ('' where nothing is remembered), in the order of the lanes,
--       l times: lane, entries, remembered, keep, ttl in s.
-- Answers {1, settlements, copies, index of each lane that is left to a guest...}, {-1} when some were forgotten, or {0} when
-- fenced.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 0 } end
if has_forgotten(KEYS[7], ARGV[6]) then return { -1 } end
local lanes, total = tonumber(ARGV[7]), tonumber(ARGV[8])
-- What stands before the first of each list. Lists are passed on by their place among the arguments: copied one by one, they
-- would take more time than everything that is done with them.
local ids, causes = 9, 9 + total
local messages, about = causes + total, causes + 2 * total
local window, most, deletes = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'

local in_even = redis.call('SMISMEMBER', KEYS[5], unpack(ARGV, causes + 1, causes + total))
local in_odd = redis.call('SMISMEMBER', KEYS[6], unpack(ARGV, causes + 1, causes + total))
local has_guests = redis.call('EXISTS', KEYS[2]) == 1
local is_whole, seen, copies = ARGV[9] == '1' and not has_guests, {}, {}
for i = 1, total do
  local cause = ARGV[causes + i]
  if seen[cause] or in_even[i] == 1 or in_odd[i] == 1 then
    copies[i], is_whole = true, false
  end
  seen[cause] = true
end

local function remember(lane, list, from, to)
  if to < from then return end
  local key, keep = KEYS[7 + lane], tonumber(ARGV[about + 5 * lane - 1])
  if redis.call('RPUSH', key, unpack(list, from, to)) > keep then redis.call('LTRIM', key, -keep, -1) end
  redis.call('EXPIRE', key, ARGV[about + 5 * lane])
end

if is_whole then
  local last = messages
  for lane = 1, lanes do
    local first = last + 1
    last = last + ARGV[about + 5 * lane - 3]
    if ARGV[about + 5 * lane - 2] ~= '0' then remember(lane, ARGV, first, last) end
  end
  mark(KEYS[5], KEYS[6], window, most, ARGV, causes + 1, causes + total)
  return { 1, ack(KEYS[3], ARGV[2], KEYS[4], KEYS[7], deletes, ARGV, ids + 1, ids + total), 0 }
end

local answer, settled, new = { 1, 0, 0 }, {}, {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = 0
for lane = 1, lanes do
  local first = last + 1
  last = last + ARGV[about + 5 * lane - 3]
  if has_guests and left_to_guest(KEYS[2], ARGV[about + 5 * lane - 4], now, '') > 0 then
    answer[#answer + 1] = lane - 1
  else
    local said = {}
    for i = first, last do
      settled[#settled + 1] = ARGV[ids + i]
      if copies[i] then
        answer[3] = answer[3] + 1
      else
        new[#new + 1] = ARGV[causes + i]
        if ARGV[messages + i] ~= '' then said[#said + 1] = ARGV[messages + i] end
      end
    end
    remember(lane, said, 1, #said)
  end
end
if #new > 0 then mark(KEYS[5], KEYS[6], window, most, new, 1, #new) end
if #settled > 0 then answer[2] = ack(KEYS[3], ARGV[2], KEYS[4], KEYS[7], deletes, settled, 1, #settled) end
return answer
