import { OPEN_HEAD, OPEN_RECENT } from './parts';

/** Invalidations that {@link OPEN_RECENT} remembers. */
const RECENT_SIZE = 1_000;

/** KEYS 2 recent, 3… tags · ARGV 3 mode, 4 ttl ms of a tag nobody carried, 5 publish command, 6 channel, 7 message, 8… fields of tags in head */
export const INVALIDATE = `${OPEN_HEAD}${OPEN_RECENT}
seq = redis.call('HINCRBY', HEAD, 'seq', '1')
local now = string.format('%.0f', seq)
local prior = 0
local function raised(version)
  local deleted, expired = parse(version)
  prior = math.max(prior, deleted or seq, expired or seq)
  -- Unknown tag: never below the current seq, in either mode.
  if not deleted then return format(seq, seq) end
  if ARGV[3] == 'expire' then return format(deleted, math.max(expired, seq)) end
  return format(math.max(deleted, seq), math.max(expired, seq))
end
local function record(tag)
  local slot = 'q:' .. (redis.call('HINCRBY', RECENT, 'n', '1') % ${RECENT_SIZE})
  local old = redis.call('HGET', RECENT, slot)
  if old then
    local oldSeq, oldTag = string.match(old, '^(%d+)|(.*)$')
    local floor = math.max(tonumber(redis.call('HGET', RECENT, 'floor')), tonumber(oldSeq))
    redis.call('HSET', RECENT, 'floor', string.format('%.0f', floor))
    if redis.call('HGET', RECENT, 'r:' .. oldTag) == oldSeq then redis.call('HDEL', RECENT, 'r:' .. oldTag) end
  end
  redis.call('HSET', RECENT, slot, now .. '|' .. tag, 'r:' .. tag, now)
end
for i = 8, #ARGV do
  redis.call('HSET', HEAD, ARGV[i], raised(redis.call('HGET', HEAD, ARGV[i])))
  record(ARGV[i])
end
for i = 3, #KEYS do
  local ttl = math.max(redis.call('PTTL', KEYS[i]), tonumber(ARGV[4]))
  redis.call('SET', KEYS[i], raised(redis.call('GET', KEYS[i])), 'PX', ttl)
  record(KEYS[i])
end
redis.call(ARGV[5], ARGV[6], 'i|' .. epoch .. '|' .. now .. '|' .. ARGV[7])
local members = {}
local all = redis.call('HGETALL', HEAD)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'm:' then
    members[#members + 1] = string.sub(all[i], 3)
    members[#members + 1] = all[i + 1]
  end
end
return { epoch, now, members, string.format('%.0f', prior) }
`;

/**
 * ARGV 3 member, 4 publish command, 5 channel, 6 beat. The member is recorded before its echo is published. Its mark is the
 * beat, which a process never repeats: a member removed and come back is not taken for the one before.
 */
export const HEARTBEAT = `${OPEN_HEAD}
redis.call('HSET', HEAD, 'm:' .. ARGV[3], ARGV[6])
redis.call(ARGV[4], ARGV[5], 'e|' .. ARGV[6])
local members = 0
for _, field in ipairs(redis.call('HKEYS', HEAD)) do
  if string.sub(field, 1, 2) == 'm:' then members = members + 1 end
end
return { epoch, string.format('%.0f', seq), redis.call('HGET', HEAD, 'm:?'), members }
`;

/** KEYS 1 head · ARGV 1 member, 2 mark or ''. */
export const REMOVE_MEMBER = `
local field = 'm:' .. ARGV[1]
if ARGV[2] == '' or redis.call('HGET', KEYS[1], field) == ARGV[2] then redis.call('HDEL', KEYS[1], field) end
return 1
`;
