-- Settles entries that need no turn, of many lanes in one step: what is remembered of them, marks of their causes, acks.
-- KEYS: fence, guests, stream, attempts, done:0, done:1, settled, history of each lane...
-- ARGV: token, group, seconds that marks are kept, marks a set may hold, deletes 0 | 1, settlements known,
--       lanes n, n times: lane, keep, ttl in s, m, m times: id, cause, remembered 0 | 1, message.
-- Answers {1, settlements, copies, index of each lane that is left to a guest...}, {-1} when some were forgotten, or {0} when
-- fenced.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 0 } end
if has_forgotten(KEYS[7], ARGV[6]) then return { -1 } end
local at = 6
local function next_arg()
  at = at + 1
  return ARGV[at]
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has_guests = redis.call('EXISTS', KEYS[2]) == 1
-- First all of it, so that each set of marks is asked once: most of a batch's time would go into asking for one after another.
local answer, lanes, ids, asked = { 1, 0, 0 }, {}, {}, {}
for i = 1, tonumber(next_arg()) do
  local lane = { key = KEYS[7 + i], name = next_arg(), keep = next_arg(), ttl = next_arg(), from = #ids + 1, messages = {} }
  local count = tonumber(next_arg())
  if has_guests and left_to_guest(KEYS[2], lane.name, now, '') > 0 then
    answer[#answer + 1] = i - 1
    at = at + 4 * count
  else
    for n = 1, count do
      local id, cause, remembered, message = next_arg(), next_arg(), next_arg(), next_arg()
      ids[#ids + 1] = id
      asked[#asked + 1] = cause
      lane.messages[n] = remembered == '1' and message
    end
    lanes[#lanes + 1] = lane
  end
end
local causes, seen = {}, {}
local done = #asked > 0 and are_done(KEYS[5], KEYS[6], asked)
for _, lane in ipairs(lanes) do
  local messages = {}
  for n, message in ipairs(lane.messages) do
    local cause = asked[lane.from + n - 1]
    if seen[cause] or done[lane.from + n - 1] then
      answer[3] = answer[3] + 1
    else
      seen[cause] = true
      causes[#causes + 1] = cause
      if message then messages[#messages + 1] = message end
    end
  end
  if #messages > 0 then
    redis.call('RPUSH', lane.key, unpack(messages))
    redis.call('LTRIM', lane.key, -lane.keep, -1)
    redis.call('EXPIRE', lane.key, lane.ttl)
  end
end
if #causes > 0 then mark(KEYS[5], KEYS[6], tonumber(ARGV[3]), tonumber(ARGV[4]), causes) end
if #ids > 0 then answer[2] = ack(KEYS[3], ARGV[2], KEYS[4], KEYS[7], ids, ARGV[5] == '1') end
return answer
