import { BORN_OFFSET } from '../../../core/codec';
import { CONTAINED, FILLED_MS, FOR_EACH_ITEM, LEASE_LENGTH, LEASES, OPEN_HEAD, OPEN_RECENT } from './parts';

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
 * were born at, their life) is said once, as a shape. What most items need is tried at once; what fails is done again,
 * contained.
 *
 * KEYS 2 recent, 3… the tag of each item's key, where its lease is, then of each item: tags, and the entry where it is
 * stored here · ARGV 3 number of items, 4 number of shapes, 5… of each shape: number of its items, which follow each other,
 * number of tags, 0 where entries are stored elsewhere, 2 where there is probably none, else 1, epoch born, seq born, ttl ms,
 * number of fields, fields of tags in head; then of each item: token or ''; then of each its bytes, where they are stored here
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
local count, a = tonumber(ARGV[3]), 5
local shapes = {}
for i = 1, tonumber(ARGV[4]) do
  local last = a + 6 + tonumber(ARGV[a + 6])
  local tags, how, itsEpoch, ttl = tonumber(ARGV[a + 1]), ARGV[a + 2], ARGV[a + 3], ARGV[a + 5]
  shapes[i] = {
    items = tonumber(ARGV[a]), tags = tags, holds = how ~= '0', isNew = how == '2', born = tonumber(ARGV[a + 4]), ttl = ttl,
    firstField = a + 7, lastField = last,
    isCurrent = itsEpoch == epoch, looks = itsEpoch == epoch and (tags > 0 or last >= a + 7),
    -- Told for as long as a fill is remembered, or lives.
    filled = FILLED .. '-' .. heldUntil(math.min(tonumber(ttl), ${FILLED_MS})),
  }
  a = last + 1
end
local beforeTokens, beforeBytes = a - 1, a - 1 + count
local inHead = {}
local function lookAtTags(shape, k)
  local ttl = tonumber(shape.ttl)
  for i = shape.firstField, shape.lastField do
    local tag = ARGV[i]
    if not inHead[tag] then
      if not parse(call('HGET', HEAD, tag)) then call('HSET', HEAD, tag, unknown(tag, shape.born)) end
      inHead[tag] = true
    end
  end
  for i = k, k + shape.tags - 1 do
    if not parse(call('GET', KEYS[i])) then
      call('SET', KEYS[i], unknown(KEYS[i], shape.born), 'PX', shape.ttl)
    elseif call('PTTL', KEYS[i]) < ttl then
      call('PEXPIRE', KEYS[i], shape.ttl)
    end
  end
end
-- What is no text is nobody's lease.
local holders = call('MGET', unpack(KEYS, 3, 2 + count))
-- Of the whole command (no memory): nobody is to wait for what is not stored. Deleting needs no memory.
local function giveBack(failed, item)
  for i = item, count do
    local token, holder = ARGV[beforeTokens + i], attempt('GET', KEYS[2 + i])
    if token ~= '' and type(holder) == 'string' and string.sub(holder, 1, 36) == token then attempt('DEL', KEYS[2 + i]) end
  end
  return failed
end
local results, item, k = {}, 1, 3 + count
for _, shape in ipairs(shapes) do
  for _ = 1, shape.items do
    local stored, failed, lookedAt = 1, nil, nil
    if shape.holds then
      local key, bytes = KEYS[k + shape.tags], ARGV[beforeBytes + item]
      local done = shape.isNew and attempt('SET', key, bytes, 'PX', shape.ttl, 'NX')
      if not (done and done.ok) then stored, failed = contained(store, key, bytes, shape.ttl) end
    end
    if shape.looks and not failed then lookedAt, failed = contained(lookAtTags, shape, k) end
    local token, holder = ARGV[beforeTokens + item], holders[item]
    -- Of another epoch nobody waits for it, and the tag may have been written anew.
    if holder and not failed and token ~= '' and shape.isCurrent and string.sub(holder, 1, 36) == token then
      if type(attempt('SETRANGE', KEYS[2 + item], '0', shape.filled)) ~= 'number' then
        -- An ACL user of before may not.
        local text = shape.filled .. string.sub(holder, ${LEASE_LENGTH + 1})
        failed = select(2, contained(call, 'SET', KEYS[2 + item], text, 'KEEPTTL'))
      end
    end
    if failed then return giveBack(failed, item) end
    results[item] = stored == 1 and lookedAt or stored
    item, k = item + 1, k + shape.tags + (shape.holds and 1 or 0)
  end
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
    local text = string.sub(holder, 1, 37) .. '0000000000000' .. string.sub(holder, ${LEASE_LENGTH + 1})
    if not redis.pcall('SET', KEYS[i], text, 'KEEPTTL').ok then redis.call('DEL', KEYS[i]) end
  end
end
return 1
`;
