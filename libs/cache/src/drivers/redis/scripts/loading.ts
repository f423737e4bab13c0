import { BORN_OFFSET } from '../../../core/codec';
import { CONTAINED, FOR_EACH_ITEM, OPEN_HEAD, OPEN_RECENT } from './parts';

/**
 * Stands where a token would, for a moment after a fill: who missed just before it and asks just after it
 * is told to look again, or a cold key would be loaded twice.
 */
const FILLED = `
local FILLED, FILLED_MS = string.rep('-', 36), 1000
`;

/**
 * KEYS 2… of each item: lease, tags · ARGV 3… of each item: numbers of tags and fields, token, lease ms, tag ttl ms,
 * take over, fields of tags in head
 */
export const GRANT = `${OPEN_HEAD}${FILLED}${FOR_EACH_ITEM}
local fresh = format(seq, seq)
-- Newest version of a tag that lives in head, created where it is missing: asked for once in a command.
local inHead = {}
local function newestOf(field)
  if not inHead[field] then
    local deleted, expired = parse(call('HGET', HEAD, field))
    if not deleted then call('HSET', HEAD, field, fresh) end
    inHead[field] = deleted and math.max(deleted, expired) or 0
  end
  return inHead[field]
end
return forEachItem(2, 3, 1, 4, function (k, firstTag, lastTag, a, firstField, lastField)
  local newest = 0
  for i = firstField, lastField do newest = math.max(newest, newestOf(ARGV[i])) end
  for i = firstTag, lastTag do
    local deleted, expired = parse(call('GET', KEYS[i]))
    if deleted then newest = math.max(newest, deleted, expired)
    else call('SET', KEYS[i], fresh, 'PX', ARGV[a + 2]) end
  end
  local holder = call('GET', KEYS[k])
  if holder and ARGV[a + 3] ~= '1' then
    -- A holder of another epoch, or one whose value is already invalid for this reader, is not worth waiting for.
    local held = parse(string.sub(holder, 38))
    if held and held >= newest then return string.sub(holder, 1, 36) == FILLED and 2 or 0 end
  end
  call('SET', KEYS[k], ARGV[a] .. '|' .. fresh, 'PX', ARGV[a + 1])
  return 1
end)
`;

/**
 * KEYS 2 recent, 3… of each item: lease, tags · ARGV 3… of each item: numbers of tags and fields, token or '', ttl ms,
 * epoch born, seq born, fields of tags in head
 */
export const SETTLE = `${OPEN_HEAD}${OPEN_RECENT}${FILLED}${FOR_EACH_ITEM}
local floor = tonumber(call('HGET', RECENT, 'floor'))
local function unknown(tag, born)
  local recorded = tonumber(call('HGET', RECENT, 'r:' .. tag)) or floor
  -- Above \`born\` the true version may be anything up to now: only the current seq is safe.
  if floor <= born then return format(recorded, recorded) end
  return format(seq, seq)
end
local inHead = {}
return forEachItem(3, 3, 1, 4, function (k, firstTag, lastTag, a, firstField, lastField)
  local token, ttl, born = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 3])
  if epoch == ARGV[a + 2] then
    for i = firstField, lastField do
      local tag = ARGV[i]
      if not inHead[tag] then
        if not parse(call('HGET', HEAD, tag)) then call('HSET', HEAD, tag, unknown(tag, born)) end
        inHead[tag] = true
      end
    end
    for i = firstTag, lastTag do
      if not parse(call('GET', KEYS[i])) then
        call('SET', KEYS[i], unknown(KEYS[i], born), 'PX', ttl)
      elseif call('PTTL', KEYS[i]) < ttl then
        call('PEXPIRE', KEYS[i], ttl)
      end
    end
  end
  local holder = call('GET', KEYS[k])
  if holder and token ~= '' and string.sub(holder, 1, 36) == token then
    call('SET', KEYS[k], FILLED .. string.sub(holder, 37), 'PX', math.min(FILLED_MS, ttl))
  end
  return 1
end)
`;

/**
 * KEYS entries · ARGV of each: bytes, ttl ms. An older fill never replaces a newer one of the same epoch.
 *
 * Names of entries are of many slots: a cluster is given one at a time.
 */
export const STORE = `${CONTAINED}
local call = redis.call
local function store(key, bytes, ttl)
  local old = call('GETRANGE', key, ${BORN_OFFSET}, ${BORN_OFFSET + 15})
  local new = string.sub(bytes, ${BORN_OFFSET + 1}, ${BORN_OFFSET + 16})
  if #old == 16 and string.sub(old, 1, 8) == string.sub(new, 1, 8) and string.sub(old, 9) > string.sub(new, 9) then
    return 0
  end
  call('SET', key, bytes, 'PX', ttl)
  return 1
end
local results = {}
for i = 1, #KEYS do
  local result, failed = contained(store, KEYS[i], ARGV[2 * i - 1], ARGV[2 * i])
  if failed then return failed end
  results[i] = result
end
return results
`;

/** KEYS 1 lease · ARGV 1 token. */
export const RELEASE = `
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, 36) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;
