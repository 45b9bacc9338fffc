-- Looks up places in some channels. ARGV: how many of the newest, above which seq; the time of the first at or after
-- ('' for none), the time of the last before ('' for none); then names.
-- Returns the life's epoch, seq and part; the seqs of the newest; the seq of the first; and for each name seq and time
-- of the last before (0 and 0 if there is none).

local count, above, first_at, last_before = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function seq_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

-- The seq of the first message of a channel at or after a time. Times never run backwards over seqs.
local function first(c, stream, time)
  if c.count == 0 or c.time < time then return nil end
  local low, high = c.gone + 1, c.last
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', stream, n(middle), '+', 'COUNT', 1)[1]
    if not entry then return nil end
    if tonumber(entry[2][2]) >= time then high = middle else low = seq_of(entry) + 1 end
  end
  local entry = redis.call('XRANGE', stream, n(low), '+', 'COUNT', 1)[1]
  return entry and seq_of(entry)
end

local newest, begin, before = {}, nil, {}
for i = 5, #ARGV do
  local c = channel(ARGV[i])
  local stream = P .. 'c:' .. c.name
  local to, left = '+', math.min(count, c.count)
  while left > 0 do
    local page = redis.call('XREVRANGE', stream, to, '(' .. above, 'COUNT', math.min(left, 16))
    for _, entry in ipairs(page) do
      newest[#newest + 1] = seq_of(entry)
      to = '(' .. entry[1]
    end
    left = #page < 16 and 0 or left - #page
  end
  if first_at then
    local found = first(c, stream, first_at)
    if found and (not begin or found < begin) then begin = found end
  end
  local seq, time = 0, 0
  if last_before and c.count > 0 then
    local after = first(c, stream, last_before)
    local entry = redis.call('XREVRANGE', stream, after and '(' .. n(after) .. '-0' or '+', '-', 'COUNT', 1)[1]
    if entry then seq, time = seq_of(entry), tonumber(entry[2][2]) end
  end
  before[#before + 1] = seq
  before[#before + 1] = time
end
local l = redis.call('HMGET', LIFE, 'epoch', 'seq', 'part')
return { l[1], tonumber(l[2] or 0), tonumber(l[3] or 0), newest, begin or 0, before }
