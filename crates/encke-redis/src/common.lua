-- What all scripts begin with. KEYS[1] is the log's `life`; all its keys begin alike and are in one slot.
--
-- A number that a double holds exactly is written without an exponent by `n`. A seq is below 2^53.

local LIFE = KEYS[1]
local P = string.sub(LIFE, 1, -5)
local LOG, CHANNELS, AGES, GONE = P .. 'log', P .. 'channels', P .. 'ages', P .. 'gone'

-- How all of it is written down. Who writes it in another way counts on.
local FORMAT = '1'

local function n(number)
  return string.format('%.0f', number)
end

-- The name of the history that this server's data are of. It changes with each restart and each promotion.
local function replid()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end

-- The life, if it is the one that the node knows, and the server has all of it that the node has seen.
local function known_life(epoch, history, head)
  local l = redis.call('HMGET', LIFE, 'epoch', 'seq', 'part', 'time', 'bytes')
  if l[1] ~= epoch or tonumber(l[2]) < tonumber(head) or replid() ~= history then
    return nil
  end
  local life = { epoch = epoch, seq = tonumber(l[2]), part = tonumber(l[3]) }
  life.time, life.bytes = tonumber(l[4]), tonumber(l[5])
  return life
end

-- What is kept of a channel: `last` its last message, `gone` the newest that is gone, `front` the time of the oldest.
local function channel(name)
  local text = redis.call('HGET', CHANNELS, name)
  if not text then
    return { name = name, last = 0, time = 0, count = 0, bytes = 0, gone = 0, gone_time = 0, front = 0 }
  end
  local _, _, last, time, count, bytes, gone, gone_time, front = string.match(
    text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  local c = { name = name, known = true, last = tonumber(last), time = tonumber(time), count = tonumber(count) }
  c.bytes, c.gone = tonumber(bytes), tonumber(gone)
  c.gone_time, c.front = tonumber(gone_time), tonumber(front)
  return c
end

local function kept(c, first)
  return table.concat({ n(first), n(c.count), n(c.bytes), n(c.gone), n(c.gone_time) }, ' ')
end

-- Writes it down as of the place that the log has reached. Channels with nothing left are remembered, so many of them
-- as `tombstones` says; older ones share one mark.
local function store(c, life, tombstones)
  redis.call('HSET', CHANNELS, c.name, table.concat({ n(life.seq), n(life.part), n(c.last), n(c.time),
    n(c.count), n(c.bytes), n(c.gone), n(c.gone_time), n(c.front) }, ' '))
  if c.count > 0 then return end
  redis.call('ZREM', AGES, c.name)
  redis.call('ZADD', GONE, n(c.last), c.name)
  if redis.call('ZCARD', GONE) > tonumber(tombstones) then
    local oldest = channel(redis.call('ZPOPMIN', GONE)[1])
    redis.call('HDEL', CHANNELS, oldest.name)
    if oldest.last > tonumber(redis.call('HGET', LIFE, 'rest') or 0) then
      redis.call('HSET', LIFE, 'rest', n(oldest.last), 'rest_time', n(oldest.time))
    end
  end
end

-- Lets go of the oldest messages of a channel while `goes(c, seq, time)` says so of the front, at most `most`.
-- Returns how many went.
local function let_go(c, most, goes)
  local stream, from, page_size = P .. 'c:' .. c.name, '-', 2
  local dropped, stays = 0, false
  while not stays do
    local page = redis.call('XRANGE', stream, from, '+', 'COUNT', page_size)
    for _, entry in ipairs(page) do
      local seq, time = tonumber(string.match(entry[1], '^%d+')), tonumber(entry[2][2])
      c.front = time
      stays = dropped >= most or not goes(c, seq, time)
      if stays then break end
      dropped, c.count, c.bytes = dropped + 1, c.count - 1, c.bytes - tonumber(entry[2][4])
      c.gone, c.gone_time = seq, time
      from = '(' .. entry[1]
    end
    if #page < page_size then break end
    page_size = 16
  end
  if c.count == 0 then
    redis.call('UNLINK', stream)
  elseif dropped > 0 then
    redis.call('XTRIM', stream, 'MINID', n(c.gone + 1))
  end
  return dropped
end

-- Keeps what nodes follow within its bytes. Looks only each time that a sixteenth more has come.
local function cut_log(before, now, limit)
  if math.floor(before * 16 / limit) == math.floor(now * 16 / limit) then return end
  for _ = 1, 100 do
    local front = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
    if not front or now - tonumber(front[2][4]) <= limit then return end
    redis.call('XTRIM', LOG, 'MAXLEN', math.floor(redis.call('XLEN', LOG) * 15 / 16))
  end
end

-- Tells the nodes what is kept of some channels that let go of messages: `told` is names and what is kept by turns.
local function settle(life, told)
  if #told == 0 then return end
  redis.call('XADD', LOG, n(life.seq) .. '-' .. n(life.part), 'e', life.epoch, 'b', n(life.bytes), unpack(told))
  redis.call('HSET', LIFE, 'part', n(life.part))
end
