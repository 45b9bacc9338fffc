-- Lets go of what is too old in some channels, at most `most` messages in all.
-- ARGV: epoch, replid, head, tombstones, most, now; then for each channel: name, age.

local life = known_life(ARGV[1], ARGV[2], ARGV[3])
if not life then return { 'life' } end
local left, now, told = tonumber(ARGV[5]), tonumber(ARGV[6]), {}
life.part = life.part + 1
for i = 7, #ARGV, 2 do
  local c, age = channel(ARGV[i]), tonumber(ARGV[i + 1])
  local dropped = 0
  if c.count > 0 and left > 0 then
    dropped = let_go(c, left, function(_, _, time) return time <= now - age end)
    left = left - dropped
  end
  if c.count > 0 then
    redis.call('ZADD', AGES, n(c.front + age), c.name)
  else
    redis.call('ZREM', AGES, c.name)
  end
  if dropped > 0 then
    store(c, life, ARGV[4])
    told[#told + 1] = c.name
    told[#told + 1] = kept(c, c.last)
  end
end
settle(life, told)
return { 'done', left == 0 and 1 or 0, #told > 0 and life.seq, life.part }
