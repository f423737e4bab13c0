import { BORN_OFFSET } from '../../core/codec';

/**
 * Every script begins here: it opens `head`, and starts a new epoch when `head` is missing or belongs to
 * another run of the server. Then it also adds the member `?`, which nobody acknowledges: whoever held a
 * lease under the lost member list holds it no longer than one lease, and writers wait that long.
 *
 * KEYS[1] head · ARGV[1] run id of this connection · ARGV[2] epoch to use if a new one is needed
 */
const OPEN_HEAD = `
local HEAD = KEYS[1]
local opened = redis.call('HMGET', HEAD, 'epoch', 'run', 'seq')
if not opened[1] or opened[2] ~= ARGV[1] then
  redis.call('DEL', HEAD)
  redis.call('HSET', HEAD, 'epoch', ARGV[2], 'run', ARGV[1], 'seq', '1', 'm:?', ARGV[2])
  opened = { ARGV[2], ARGV[1], '1' }
end
local epoch, seq = opened[1], tonumber(opened[3])
local function parse(version)
  if not version or string.sub(version, 1, 16) ~= epoch then return nil end
  local deleted, expired = string.match(version, '|(%d+)|(%d+)$')
  return tonumber(deleted), tonumber(expired)
end
local function format(deleted, expired)
  return epoch .. '|' .. string.format('%.0f', deleted) .. '|' .. string.format('%.0f', expired)
end
`;

/**
 * Stands where a token would, for a moment after a fill: who missed just before it and asks just after it
 * is told to look again, or a cold key would be loaded twice.
 */
const FILLED = `
local FILLED, FILLED_MS = string.rep('-', 36), 1000
`;

/** KEYS 2 lease, 3… tags · ARGV 3 token, 4 lease ms, 5 tag ttl ms, 6 take over, 7… fields of tags in head */
export const GRANT = `${OPEN_HEAD}${FILLED}
local now = string.format('%.0f', seq)
local newest = 0
for i = 7, #ARGV do
  local deleted, expired = parse(redis.call('HGET', HEAD, ARGV[i]))
  if deleted then newest = math.max(newest, deleted, expired)
  else redis.call('HSET', HEAD, ARGV[i], format(seq, seq)) end
end
for i = 3, #KEYS do
  local deleted, expired = parse(redis.call('GET', KEYS[i]))
  if deleted then newest = math.max(newest, deleted, expired)
  else redis.call('SET', KEYS[i], format(seq, seq), 'PX', ARGV[5]) end
end
local holder = redis.call('GET', KEYS[2])
if holder and ARGV[6] ~= '1' then
  -- A holder of another epoch, or one whose value is already invalid for this reader, is not worth waiting for.
  local held = parse(string.sub(holder, 38))
  if held and held >= newest then return { epoch, now, string.sub(holder, 1, 36) == FILLED and 2 or 0 } end
end
redis.call('SET', KEYS[2], ARGV[3] .. '|' .. format(seq, seq), 'PX', ARGV[4])
return { epoch, now, 1 }
`;

/**
 * The last invalidations of the epoch: `r:<tag>` → seq, a ring of what was recorded, and the floor below
 * which they are forgotten. All only grow. When the list itself is lost, everything up to now counts as
 * forgotten. Used where a tag is unknown: without it any invalidation during a load would make the
 * load's new tags, and with them the entry, invalid from the start.
 */
const OPEN_RECENT = `
local RECENT = KEYS[2]
if redis.call('HGET', RECENT, 'epoch') ~= epoch then
  redis.call('DEL', RECENT)
  redis.call('HSET', RECENT, 'epoch', epoch, 'floor', string.format('%.0f', seq), 'n', '0')
end
`;

/** KEYS 2 recent, 3 lease, 4… tags · ARGV 3 token or '', 4 ttl ms, 5 epoch born, 6 seq born, 7… fields of tags in head */
export const SETTLE = `${OPEN_HEAD}${OPEN_RECENT}${FILLED}
local ttl, born = tonumber(ARGV[4]), tonumber(ARGV[6])
local floor = tonumber(redis.call('HGET', RECENT, 'floor'))
local function unknown(tag)
  local recorded = tonumber(redis.call('HGET', RECENT, 'r:' .. tag)) or floor
  -- Above \`born\` the true version may be anything up to now: only the current seq is safe.
  if floor <= born then return format(recorded, recorded) end
  return format(seq, seq)
end
if epoch == ARGV[5] then
  for i = 7, #ARGV do
    if not parse(redis.call('HGET', HEAD, ARGV[i])) then redis.call('HSET', HEAD, ARGV[i], unknown(ARGV[i])) end
  end
  for i = 4, #KEYS do
    if not parse(redis.call('GET', KEYS[i])) then
      redis.call('SET', KEYS[i], unknown(KEYS[i]), 'PX', ttl)
    elseif redis.call('PTTL', KEYS[i]) < ttl then
      redis.call('PEXPIRE', KEYS[i], ttl)
    end
  end
end
local holder = redis.call('GET', KEYS[3])
if holder and ARGV[3] ~= '' and string.sub(holder, 1, 36) == ARGV[3] then
  redis.call('SET', KEYS[3], FILLED .. string.sub(holder, 37), 'PX', math.min(FILLED_MS, ttl))
end
return epoch
`;

/** KEYS 1 entry · ARGV 1 bytes, 2 ttl ms. An older fill never replaces a newer one of the same epoch. */
export const STORE = `
local old = redis.call('GETRANGE', KEYS[1], ${BORN_OFFSET}, ${BORN_OFFSET + 15})
local new = string.sub(ARGV[1], ${BORN_OFFSET + 1}, ${BORN_OFFSET + 16})
if #old == 16 and string.sub(old, 1, 8) == string.sub(new, 1, 8) and string.sub(old, 9) > string.sub(new, 9) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** Invalidations that {@link OPEN_RECENT} remembers. */
const RECENT_SIZE = 1_000;

/** KEYS 2 recent, 3… tags · ARGV 3 mode, 4 ttl ms of a tag nobody carried, 5 publish command, 6 channel, 7 message, 8… fields of tags in head */
export const INVALIDATE = `${OPEN_HEAD}${OPEN_RECENT}
seq = redis.call('HINCRBY', HEAD, 'seq', 1)
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
  local slot = 'q:' .. (redis.call('HINCRBY', RECENT, 'n', 1) % ${RECENT_SIZE})
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

/** KEYS 1 lease · ARGV 1 token. */
export const RELEASE = `
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, 36) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;

/**
 * Put before scripts that must run when memory is short: an invalidation frees what is stale, a
 * heartbeat is a few bytes. Redis 7 and Valkey; older servers refuse them then, and they are deferred.
 */
export const ALLOW_OOM = '#!lua flags=allow-oom\n';
