import { BORN_OFFSET } from '../../../core/codec';
import { CONTAINED, FILLED_MS, FOR_EACH_ITEM, LEASES, OPEN_HEAD, OPEN_RECENT } from './parts';

/**
 * KEYS 2… of each item: tag of its key, where its lease is, and further tags · ARGV 3… of each item: numbers of further tags
 * and fields, token, lease ms, ttl ms of tags, of the tag of its key, take over, fields of tags in head
 */
export const GRANT = `${OPEN_HEAD}${LEASES}${FOR_EACH_ITEM}
local fresh, given = format(seq, seq), string.format('|%.0f', seq)
local function keep(key, ttl)
  if call('PTTL', key) < tonumber(ttl) then call('PEXPIRE', key, ttl) end
end
-- Newest version of a tag that lives in head, asked for once in a command. Created where it is missing, and then new:
-- whoever began to load before it would not be valid for it.
local inHead = {}
local function newestOf(field)
  if not inHead[field] then
    local deleted, expired = parse(call('HGET', HEAD, field))
    if not deleted then call('HSET', HEAD, field, fresh) end
    inHead[field] = deleted and math.max(deleted, expired) or seq
  end
  return inHead[field]
end
return forEachItem(2, 3, 1, 5, function (k, firstTag, lastTag, a, firstField, lastField)
  local newest = 0
  for i = firstField, lastField do newest = math.max(newest, newestOf(ARGV[i])) end
  for i = firstTag, lastTag do
    local deleted, expired = parse(call('GET', KEYS[i]))
    if deleted then
      newest = math.max(newest, deleted, expired)
      keep(KEYS[i], ARGV[a + 2])
    else
      call('SET', KEYS[i], fresh, 'PX', ARGV[a + 2])
      newest = seq
    end
  end
  local mark = ARGV[a] .. '-' .. heldUntil(tonumber(ARGV[a + 1]))
  local holder = call('GET', KEYS[k])
  local deleted, expired = parse(holder)
  if not deleted then
    call('SET', KEYS[k], mark .. fresh .. given, 'PX', ARGV[a + 3])
    return 1
  end
  local outcome = outcomeOf(holder, math.max(newest, deleted, expired))
  if outcome == 1 or ARGV[a + 4] == '1' then
    outcome = 1
    call('SET', KEYS[k], mark .. format(deleted, expired) .. given, 'KEEPTTL')
  end
  keep(KEYS[k], ARGV[a + 3])
  return outcome
end)
`;

/** An older fill never replaces a newer one of the same epoch. */
const STORE_ONE = `
local function store(key, bytes, ttl)
  local old = redis.call('GETRANGE', key, '${BORN_OFFSET}', '${BORN_OFFSET + 15}')
  local new = string.sub(bytes, ${BORN_OFFSET + 1}, ${BORN_OFFSET + 16})
  if #old == 16 and string.sub(old, 1, 8) == string.sub(new, 1, 8) and string.sub(old, 9) > string.sub(new, 9) then
    return 0
  end
  redis.call('SET', key, bytes, 'PX', ttl)
  return 1
end
`;

/**
 * Entries, tags that were not looked at when leave was given, and the end of the load leases; in this order, for the end
 * of a lease tells those who wait that they find the entry. What items have in common (fields, numbers, the version they
 * were born at) is said once, as a shape. What most items need is tried at once; what fails is done again, contained.
 *
 * KEYS 2 recent, 3… the tag of each item's key, where its lease is, then of each item: tags, and the entry where it is
 * stored here · ARGV 3 number of items, 4 number of shapes, 5… of each shape: number of tags, 0 where entries are stored
 * elsewhere, 2 where there is probably none, else 1, epoch born, seq born, number of fields, fields of tags in head; then of
 * each item: its shape, token or '', ttl ms, and the bytes where they are stored here
 */
export const FILL = `${OPEN_HEAD}${OPEN_RECENT}${LEASES}${CONTAINED}${STORE_ONE}
local attempt = redis.pcall
local function unknown(tag, born)
  local floor = tonumber(call('HGET', RECENT, 'floor'))
  local recorded = tonumber(call('HGET', RECENT, 'r:' .. tag)) or floor
  -- Above \`born\` the true version may be anything up to now: only the current seq is safe.
  if floor <= born then return format(recorded, recorded) end
  return format(seq, seq)
end
local count = tonumber(ARGV[3])
local shapes, a = {}, 5
for i = 1, tonumber(ARGV[4]) do
  local last = a + 4 + tonumber(ARGV[a + 4])
  local tags, how, itsEpoch, born = tonumber(ARGV[a]), ARGV[a + 1], ARGV[a + 2], tonumber(ARGV[a + 3])
  shapes[tostring(i)] = {
    tags = tags, holds = how ~= '0', isNew = how == '2', born = born, firstField = a + 5, lastField = last,
    isCurrent = itsEpoch == epoch, looks = itsEpoch == epoch and (tags > 0 or last >= a + 5),
  }
  a = last + 1
end
local inHead = {}
local function lookAtTags(shape, k, ttlMs)
  local ttl = tonumber(ttlMs)
  for i = shape.firstField, shape.lastField do
    local tag = ARGV[i]
    if not inHead[tag] then
      if not parse(call('HGET', HEAD, tag)) then call('HSET', HEAD, tag, unknown(tag, shape.born)) end
      inHead[tag] = true
    end
  end
  for i = k, k + shape.tags - 1 do
    if not parse(call('GET', KEYS[i])) then
      call('SET', KEYS[i], unknown(KEYS[i], shape.born), 'PX', ttlMs)
    elseif call('PTTL', KEYS[i]) < ttl then
      call('PEXPIRE', KEYS[i], ttlMs)
    end
  end
end
-- What is no text is nobody's lease.
local holders = call('MGET', unpack(KEYS, 3, 2 + count))
-- Told for as long as a fill is remembered, or lives.
local filled = FILLED .. '-' .. heldUntil(${FILLED_MS})
-- Of another epoch nobody waits for it, and the tag may have been written anew.
local function endLease(shape, item, token, ttl, run)
  local holder = holders[item]
  if not holder or token == '' or not shape.isCurrent or string.sub(holder, 1, 36) ~= token then return 0 end
  local ms = ttl + 0
  return run('SETRANGE', KEYS[2 + item], '0', ms < ${FILLED_MS} and FILLED .. '-' .. heldUntil(ms) or filled)
end
local item, k = 1, 3 + count
local function advance(shape)
  item, k, a = item + 1, k + shape.tags + (shape.holds and 1 or 0), a + (shape.holds and 4 or 3)
end
-- Of the whole command (no memory): nobody is to wait for what is not stored. Deleting needs no memory.
local function giveBack(failed)
  while item <= count do
    local token, holder = ARGV[a + 1], attempt('GET', KEYS[2 + item])
    local isOurs = token ~= '' and type(holder) == 'string' and string.sub(holder, 1, 36) == token
    if isOurs then attempt('DEL', KEYS[2 + item]) end
    advance(shapes[ARGV[a]])
  end
  return failed
end
local results = {}
while item <= count do
  local shape, token, ttl, bytes = shapes[ARGV[a]], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  local stored, failed, lookedAt = 1, nil, nil
  if shape.holds then
    local key = KEYS[k + shape.tags]
    local done = shape.isNew and attempt('SET', key, bytes, 'PX', ttl, 'NX')
    if not (done and done.ok) then stored, failed = contained(store, key, bytes, ttl) end
  end
  if failed then return giveBack(failed) end
  if shape.looks then
    lookedAt, failed = contained(lookAtTags, shape, k, ttl)
    if failed then return giveBack(failed) end
  end
  if type(endLease(shape, item, token, ttl, attempt)) ~= 'number' then
    failed = select(2, contained(endLease, shape, item, token, ttl, call))
    if failed then return giveBack(failed) end
  end
  results[item] = stored == 1 and lookedAt or stored
  advance(shape)
end
return results
`;

/** KEYS 1 entry · ARGV 1 bytes, 2 ttl ms. For a cluster: names of entries are of many slots. */
export const STORE = `${STORE_ONE}
return store(KEYS[1], ARGV[1], ARGV[2])
`;

/**
 * KEYS tags of keys, where their leases are · ARGV the token of each. The lease ends at once; without memory to write that,
 * the tag goes, which is no more than a miss.
 */
export const RELEASE = `
for i = 1, #KEYS do
  local holder = redis.pcall('GET', KEYS[i])
  if type(holder) == 'string' and string.sub(holder, 1, 36) == ARGV[i] then
    local ended = redis.pcall('SETRANGE', KEYS[i], '37', '0000000000000')
    if type(ended) ~= 'number' then redis.call('DEL', KEYS[i]) end
  end
end
return 1
`;
