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
local answer, ids, causes, seen = { 1, 0, 0 }, {}, {}, {}
for i = 1, tonumber(next_arg()) do
  local lane, keep, ttl, count = next_arg(), next_arg(), next_arg(), tonumber(next_arg())
  if has_guests and left_to_guest(KEYS[2], lane, now, false) > 0 then
    answer[#answer + 1] = i - 1
    at = at + 4 * count
  else
    local messages = {}
    for _ = 1, count do
      local id, cause, remembered, message = next_arg(), next_arg(), next_arg(), next_arg()
      ids[#ids + 1] = id
      if seen[cause] or is_done(KEYS[5], KEYS[6], cause) then
        answer[3] = answer[3] + 1
      else
        seen[cause] = true
        causes[#causes + 1] = cause
        if remembered == '1' then messages[#messages + 1] = message end
      end
    end
    if #messages > 0 then
      redis.call('RPUSH', KEYS[7 + i], unpack(messages))
      redis.call('LTRIM', KEYS[7 + i], -keep, -1)
      redis.call('EXPIRE', KEYS[7 + i], ttl)
    end
  end
end
if #causes > 0 then mark(KEYS[5], KEYS[6], tonumber(ARGV[3]), tonumber(ARGV[4]), causes) end
if #ids > 0 then answer[2] = ack(KEYS[3], ARGV[2], KEYS[4], KEYS[7], ids, ARGV[5] == '1') end
return answer
