-- Finds out which life of the log this server has, and begins another where messages may have been lost.
-- ARGV: the epoch of a new life; epoch and head that the node knows (or '' and 0).
--
-- The life goes on if the server has not been restarted or promoted since, and has all that the node has seen. A node
-- that knows another life comes from a server that is behind, unless that life led to this one.

local fresh, known, head = ARGV[1], ARGV[2], tonumber(ARGV[3])
local l = redis.call('HMGET', LIFE, 'epoch', 'replid', 'seq', 'part', 'bytes', 'time', 'past', 'format')
local history, past = replid(), l[7] or ''
if l[1] and l[8] ~= FORMAT then return { 'format' } end
local seq, part = tonumber(l[3] or 0), tonumber(l[4] or 0)
if l[1] and l[2] == history then
  local led = known == '' or string.find(' ' .. past .. ' ', ' ' .. known .. ' ', 1, true)
  if led or (known == l[1] and head <= seq) then
    return { l[1], history, seq, part, 0 }
  end
end

if not l[1] then
  local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  if last then
    local last_seq, last_part = string.match(last[1], '^(%d+)-(%d+)$')
    seq, part = tonumber(last_seq), tonumber(last_part)
  end
end
seq, part = math.max(seq, head), part + 1
local bytes = l[5] or '0'
-- So many of the last lives are remembered; beyond them, a node that was away begins one more than is needed.
past = table.concat({ l[1] or known, past }, ' ')
past = string.match(string.sub(past, 1, 1400), '^(.*) ') or past
redis.call('HSET', LIFE, 'epoch', fresh, 'replid', history, 'seq', n(seq), 'part', n(part), 'bytes', bytes,
  'time', l[6] or '0', 'past', past, 'format', FORMAT)
redis.call('XADD', LOG, n(seq) .. '-' .. n(part), 'e', fresh, 'b', bytes)
return { fresh, history, seq, part, 1 }
