/** What stands between the parts of a version: `epoch|deleted|expired`. */
const BAR = '|'.charCodeAt(0);
/** Bytes of a load lease in front of the version of a key's tag: token, a letter, and until when it is held. */
export const LEASE_LENGTH = 36 + 1 + 13;

/**
 * Every script begins here: it opens `head`, and starts a new epoch when `head` is missing or belongs to
 * another run of the server. Then it also adds the member `?`, which nobody acknowledges: whoever held a
 * lease under the lost member list holds it no longer than one lease, and writers wait that long.
 *
 * KEYS[1] head · ARGV[1] run id of this connection · ARGV[2] epoch to use if a new one is needed
 */
export const OPEN_HEAD = `
local HEAD, call = KEYS[1], redis.call
local opened = call('HMGET', HEAD, 'epoch', 'run', 'seq')
if not opened[1] or opened[2] ~= ARGV[1] then
  call('DEL', HEAD)
  call('HSET', HEAD, 'epoch', ARGV[2], 'run', ARGV[1], 'seq', '1', 'm:?', ARGV[2])
  opened = { ARGV[2], ARGV[1], '1' }
end
local epoch, seq = opened[1], tonumber(opened[3])
-- Many tags of one command have the same version: each is taken apart once. With a load lease it stands behind that.
local known = {}
local function parse(version)
  if not version then return nil end
  local numbers = known[version]
  if numbers == nil then
    numbers = false
    local at = string.byte(version, 17) == ${BAR} and 1 or ${LEASE_LENGTH + 1}
    if string.sub(version, at, at + 15) == epoch then
      local text = at == 1 and '^|(%d+)|(%d+)$' or '^|(%d+)|(%d+)|%d+$'
      local deleted, expired = string.match(version, text, at + 16)
      numbers = deleted and { tonumber(deleted), tonumber(expired) } or false
    end
    known[version] = numbers
  end
  if not numbers then return nil end
  return numbers[1], numbers[2]
end
local function format(deleted, expired)
  return string.format('%s|%.0f|%.0f', epoch, deleted, expired)
end
`;

/**
 * The last invalidations of the epoch: `r:<tag>` → seq, a ring of what was recorded, and the floor below
 * which they are forgotten. All only grow. When the list itself is lost, everything up to now counts as
 * forgotten. Used where a tag is unknown: without it any invalidation during a load would make the
 * load's new tags, and with them the entry, invalid from the start.
 */
export const OPEN_RECENT = `
local RECENT = KEYS[2]
if redis.call('HGET', RECENT, 'epoch') ~= epoch then
  redis.call('DEL', RECENT)
  redis.call('HSET', RECENT, 'epoch', epoch, 'floor', string.format('%.0f', seq), 'n', '0')
end
`;

/** How long a fill is remembered at most. */
export const FILLED_MS = 1_000;

/**
 * A load lease is kept in front of the version of its key's tag, which is written at the same moment: `token`, any
 * character, wall time of the server until which it is held (13 digits), the version, `|`, version that the load was given.
 * An invalidation of the key takes it away; `SETRANGE` ends it, and changes neither version nor life.
 *
 * What stands where a token would, for a moment after a fill: who missed just before it and asks just after it is told
 * to look again, or a cold key would be loaded twice.
 */
export const LEASES = `
local FILLED = string.rep('-', 36)
local clock
-- Milliseconds, as of one moment for the whole command.
local function now()
  if not clock then
    local time = call('TIME')
    clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  end
  return clock
end
local function heldUntil(ms)
  return string.format('%013.0f', now() + ms)
end
-- 0: somebody is loading it, 2: has just filled it, 1: nobody whose value would be valid for a reader of tags up to this.
-- The text is one that \`parse\` has read.
local function outcomeOf(holder, newest)
  if string.byte(holder, 17) == ${BAR} then return 1 end
  if tonumber(string.match(holder, '%d+$')) < newest then return 1 end
  if (tonumber(string.sub(holder, 38, ${LEASE_LENGTH})) or 0) <= now() then return 1 end
  return string.sub(holder, 1, 36) == FILLED and 2 or 0
end
`;

/**
 * A foreign type under the name of one item is that item's error alone. All else (no memory, a replica) is the
 * server's, and everybody's.
 */
export const CONTAINED = `
-- @return the result, or the error of this item alone, or nothing and the error of the whole command
local function contained(run, ...)
  local done, result = pcall(run, ...)
  if done then return result end
  local text = type(result) == 'table' and result.err or tostring(result)
  -- Where the server has said it, in front of which some versions say where in the script.
  text = string.match(text, '(%u%u%u%u+ .+)$') or text
  local failed = redis.error_reply(text)
  if string.sub(text, 1, 9) == 'WRONGTYPE' then return failed end
  return nil, failed
end
`;

/**
 * Runs `one` for each item that the turn has gathered. An item begins with the number of its tags with keys of
 * their own and the number of its tags in `head`; the keys of an item follow each other, and so do its arguments.
 */
export const FOR_EACH_ITEM = `${CONTAINED}
local function forEachItem(k, a, ownKeys, ownArgs, one)
  local results = { epoch, string.format('%.0f', seq) }
  while ARGV[a] do
    local firstTag, firstArg, firstField = k + ownKeys, a + 2, a + 2 + ownArgs
    local lastTag, lastField = firstTag + tonumber(ARGV[a]) - 1, firstField + tonumber(ARGV[a + 1]) - 1
    local result, failed = contained(one, k, firstTag, lastTag, firstArg, firstField, lastField)
    -- As the answer of the command, not raised: who asked knows a replica by how its answer begins.
    if failed then return failed end
    results[#results + 1] = result
    k, a = lastTag + 1, lastField + 1
  end
  return results
end
`;

/**
 * Put before scripts that must run when memory is short: an invalidation frees what is stale, a
 * heartbeat is a few bytes. Redis 7 and Valkey; older servers refuse them then, and they are deferred.
 */
export const ALLOW_OOM = '#!lua flags=allow-oom\n';
