import { LEASES, OPEN_HEAD } from './parts';

/** Versions of the tags with keys of their own, in parts: Lua gives a function some thousand arguments at most. */
const VERSIONS = `
for first = 2, tagCount + 1, 1000 do
  local part = redis.call('MGET', unpack(KEYS, first, math.min(first + 999, tagCount + 1)))
  for i = 1, #part do versions[#versions + 1] = part[i] end
end
`;

/**
 * An entry, `false` for none, 1 for one that is too large, or the error of what is no text. A number that Lua hands to a
 * command costs as much as the look itself, so that bounds are handed on as the texts that they came as.
 *
 * @param most the argument with most bytes of an entry
 */
const find = (most: string): string => `
local mostBytes, attempt = ${most}, redis.pcall
local most = tonumber(mostBytes)
local function find(key)
  -- No more than may be sent, and a byte that tells of more.
  local found = attempt('GETRANGE', key, '0', mostBytes)
  if found == '' then return false end
  if type(found) ~= 'string' then return found end
  if #found > most or #found > room then return 1 end
  room = room - #found
  return found
end
`;

/**
 * Entries alone, for readers that judge them by what they have heard; as {@link READ} answers them.
 *
 * KEYS entries · ARGV 1 most bytes of an entry
 */
export const READ_BARE = `
local room = math.huge
${find('ARGV[1]')}
local reply = {}
for i = 1, #KEYS do reply[i] = find(KEYS[i]) end
return reply
`;

/**
 * Entries, and the versions to judge them by, as of one moment. What is too large for this answer, or for what is
 * left of it, is answered with 1: its reader asks for it alone, so that nobody waits for the bytes of another.
 * What is no text is answered with its error.
 *
 * KEYS 1 head, 2… tags, then entries · ARGV 1 number of tags, 2 most bytes of an entry, 3 most bytes of all, 4… fields of
 * tags in head
 */
export const READ = `
local tagCount, room = tonumber(ARGV[1]), tonumber(ARGV[3])
local versions = {}
${VERSIONS}${find('ARGV[2]')}
local reply = { redis.call('HMGET', KEYS[1], 'epoch', 'run', 'seq', unpack(ARGV, 4)), versions }
for i = tagCount + 2, #KEYS do reply[#reply + 1] = find(KEYS[i]) end
return reply
`;

/** Of an entry that is not there: this, and the outcome of `GRANT`. */
export const WISHED = 10;
/** Code of the letter that stands for the first terms of wishes; a command has {@link MOST_READS} at most. */
export const FIRST_LETTER = 97;

/**
 * {@link READ} for readers that load what is not there: leave to do so is asked for in the same step, by the rules of
 * `GRANT`, and so a lost `head` begins a new epoch. The answer has the versions of before; none where nobody has asked for
 * them, and then they are looked at when leave is asked for, not earlier. Where it cannot be asked for (no memory, a
 * foreign type), the entry is answered as absent: the reader asks by itself, and is told why.
 *
 * KEYS 1 head, 2… tags, then entries · ARGV 3 number of tags, 4 most bytes of an entry, 5 most bytes of all, 6 1 for no
 * versions, 7 number of entries, 8 number of fields, 9… fields of tags in head, then the number of terms that wishes have in
 * common, and each of them: lease ms, tag ttl ms, places of fields, counted from the last tag on; then a wish for each entry:
 * '' for none, else token, letter of its terms, place of the tag of its key, which the lease goes to, and places of its
 * further tags: nothing where there are none, and it is at the number of the entry
 */
export const READ_TO_LOAD = `${OPEN_HEAD}${LEASES}
local tagCount, room = tonumber(ARGV[3]), tonumber(ARGV[5])
local entryCount, fieldCount = tonumber(ARGV[7]), tonumber(ARGV[8])
local firstTerms = 10 + fieldCount
local beforeWishes = firstTerms - 1 + tonumber(ARGV[9 + fieldCount])
${find('ARGV[4]')}
local fresh, given = format(seq, seq), string.format('|%.0f', seq)
local versions, head = {}, { epoch, ARGV[1], opened[3] }
local isKnown = false
local function lookAtVersions()
  isKnown = true
  ${VERSIONS}
  if fieldCount == 0 then return end
  local fields = call('HMGET', HEAD, unpack(ARGV, 9, 8 + fieldCount))
  for i = 1, fieldCount do head[3 + i] = fields[i] end
end
if ARGV[6] == '0' then lookAtVersions() end
-- With what is written here; what the answer tells is of before.
local present = versions
if ARGV[6] == '0' then
  present = {}
  for i = 1, tagCount do present[i] = versions[i] end
end
local newest, lives = {}, {}
-- A tag with a key of its own lives as long as whatever is loaded with it: no fill looks at it again.
local function keep(place, its)
  lives[place] = lives[place] or call('PTTL', KEYS[1 + place])
  if lives[place] >= its.life then return end
  lives[place] = its.life
  call('PEXPIRE', KEYS[1 + place], its.ttl)
end
-- True where it is there now. A foreign type, which MGET does not tell from nothing, is not written over.
local function create(place, text, its)
  local done
  if present[place] then done = attempt('SET', KEYS[1 + place], text, 'PX', its.ttl)
  else done = attempt('SET', KEYS[1 + place], text, 'PX', its.ttl, 'NX') end
  if not done or not done.ok then return false end
  present[place], lives[place] = text, its.life
  return true
end
-- Newest version of a tag, created where it is missing; nothing where it cannot be. What is created now counts as new:
-- whoever began to load before it would not be valid for it.
local function newestOf(place, its)
  local field = place - tagCount
  if not newest[place] then
    local version = present[place]
    if field > 0 then version = head[3 + field] end
    local deleted, expired = parse(version)
    if not deleted then
      if field <= 0 and not create(place, fresh, its) then return nil end
      if field > 0 and type(attempt('HSET', HEAD, ARGV[8 + field], fresh)) ~= 'number' then return nil end
      deleted, expired = seq, seq
    end
    newest[place] = math.max(deleted, expired)
  end
  if field <= 0 then keep(place, its) end
  return newest[place]
end
local function newestOfAll(places, its)
  local newest = 0
  for place in string.gmatch(places, '%d+') do
    local one = newestOf(tonumber(place), its)
    if not one then return nil end
    newest = math.max(newest, one)
  end
  return newest
end
local terms = {}
local function termsOf(letter)
  if not terms[letter] then
    local leaseMs, ttl, places = string.match(ARGV[firstTerms + letter - ${FIRST_LETTER}], '^(%d+) (%d+)(.*)$')
    local its = { ttl = ttl, life = tonumber(ttl), held = heldUntil(tonumber(leaseMs)) }
    its.fresh = its.held .. fresh .. given
    its.newest = newestOfAll(places, its)
    terms[letter] = its
  end
  return terms[letter]
end
-- Leave to load for the entry of this number; nothing where it cannot be asked for. Functions of Lua cost as much as a
-- third of a look-up: the wish of most has no places, and is the beginning of the tag's text as it is.
local function grant(entry, wish)
  if not isKnown then lookAtVersions() end
  local its = termsOf(string.byte(wish, 37))
  local others, own = 0, entry
  if #wish > 37 then
    local place, further = string.match(wish, '^ (%d+)(.*)$', 38)
    own, others, wish = tonumber(place), newestOfAll(further, its), string.sub(wish, 1, 37)
  end
  if not others or not its.newest then return nil end
  local holder = present[own]
  local deleted, expired = parse(holder)
  if not deleted then return create(own, wish .. its.fresh, its) and 1 or nil end
  -- Where there is no memory for it, whoever holds it is told of all the same.
  local outcome = outcomeOf(holder, math.max(its.newest, others, deleted, expired))
  if outcome == 1 then
    local text = wish .. its.held .. format(deleted, expired) .. given
    if not attempt('SET', KEYS[1 + own], text, 'KEEPTTL').ok then return nil end
    present[own] = text
  end
  keep(own, its)
  return outcome
end
local reply = { head, versions }
for i = 1, entryCount do
  local found = find(KEYS[1 + tagCount + i])
  local wish = ARGV[beforeWishes + i]
  if found == false and wish ~= '' then
    local outcome = grant(i, wish)
    if outcome then found = ${WISHED} + outcome end
  end
  reply[2 + i] = found
end
-- Whoever loads has no use for versions either.
if ARGV[6] == '1' then reply[1], reply[2] = { head[1], head[2], head[3] }, {} end
return reply
`;
