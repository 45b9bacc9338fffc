-- Lets go of the oldest messages of a channel, at most `most` in one call unless all go.
-- ARGV: epoch, replid, head, tombstones, most, name, 'newest' or 'after', how many stay or the seq.

local life = known_life(ARGV[1], ARGV[2], ARGV[3])
if not life then return { 'life' } end
local most, limit = tonumber(ARGV[5]), tonumber(ARGV[8])
local c = channel(ARGV[6])
if c.count == 0 then return { 'none' } end

local dropped
if ARGV[7] == 'newest' and limit == 0 then
  dropped, c.count, c.bytes, c.gone, c.gone_time = c.count, 0, 0, c.last, c.time
  redis.call('UNLINK', P .. 'c:' .. c.name)
elseif ARGV[7] == 'newest' then
  dropped = let_go(c, most, function(c) return c.count > limit end)
else
  dropped = let_go(c, most, function(_, seq) return seq <= limit end)
end
if dropped > 0 then
  life.part = life.part + 1
  store(c, life, ARGV[4])
  settle(life, { c.name, kept(c, c.last) })
end
return { 'done', dropped, dropped == most and 1 or 0, life.seq, life.part }
