-- Orders and stores a message.
-- ARGV: epoch, replid, head, now, message, size, key or '', fingerprint, key window, keys at most,
-- messages and bytes of the log, tombstones; then for each channel: name, count, bytes, age.

local message, size, key, fingerprint = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local life = known_life(ARGV[1], ARGV[2], ARGV[3])
if not life then return { 'life' } end
life.time = math.max(life.time, tonumber(ARGV[4]))

-- What goes in one step, else Redis would do nothing else for long. More is only due after the limits were lowered, or
-- for a message that is as large as thousands of others; it goes with those that follow.
local MOST = 10000

-- Keys are remembered in two generations: when a window has passed, the young ones become the old ones.
local YOUNG, OLD = P .. 'keys:young', P .. 'keys:old'
if key ~= '' then
  local window, began = tonumber(ARGV[9]), tonumber(redis.call('HGET', LIFE, 'began') or 0)
  for _ = 1, 2 do
    if life.time >= began + window then
      redis.call('UNLINK', OLD)
      local some = redis.call('EXISTS', YOUNG) == 1
      if some then redis.call('RENAME', YOUNG, OLD) end
      began = some and began + window or life.time
      redis.call('HSET', LIFE, 'began', n(began))
    end
  end
  local known = redis.call('HGET', YOUNG, key) or redis.call('HGET', OLD, key)
  if known then
    if string.sub(known, 1, 16) ~= fingerprint then return { 'conflict' } end
    return { 'again', tonumber(string.sub(known, 17)) }
  end
  if redis.call('HLEN', YOUNG) + redis.call('HLEN', OLD) >= tonumber(ARGV[10]) then return { 'keys' } end
end

life.seq, life.part = life.seq + 1, 0
local id, time = n(life.seq) .. '-0', n(life.time)
local entry = { 't', time, 'z', size, 'm', message }
local channels = {}
for i = 14, #ARGV, 4 do
  local c = channel(ARGV[i])
  c.prev, c.limits = c.last, i
  channels[#channels + 1] = c
  entry[#entry + 1] = c.name
  entry[#entry + 1] = n(c.prev)
end

local told = { 'e', life.epoch, 'b', '', 't', time, 'm', message }
for _, c in ipairs(channels) do
  redis.call('XADD', P .. 'c:' .. c.name, id, unpack(entry))
  local count, bytes, age = tonumber(ARGV[c.limits + 1]), tonumber(ARGV[c.limits + 2]), tonumber(ARGV[c.limits + 3])
  if c.count == 0 then
    c.front = life.time
    redis.call('ZADD', AGES, n(c.front + age), c.name)
    if c.known then redis.call('ZREM', GONE, c.name) end
  end
  c.last, c.time, c.count, c.bytes = life.seq, life.time, c.count + 1, c.bytes + tonumber(size)
  local function goes(c, _, front)
    return c.count > math.max(count, 1) or c.bytes > bytes or front < life.time - age
  end
  if goes(c, nil, c.front) then let_go(c, MOST, goes) end
  store(c, life, ARGV[13])
  told[#told + 1] = c.name
  told[#told + 1] = kept(c, c.prev)
end

local before = life.bytes
life.bytes = before + tonumber(size)
told[4] = n(life.bytes)
redis.call('XADD', LOG, 'MAXLEN', '~', ARGV[11], id, unpack(told))
cut_log(before, life.bytes, tonumber(ARGV[12]))
redis.call('HSET', LIFE, 'seq', n(life.seq), 'part', '0', 'time', time, 'bytes', n(life.bytes))
if key ~= '' then redis.call('HSET', YOUNG, key, fingerprint .. n(life.seq)) end
return { 'stored', life.seq }
