import { FILLED, OPEN_HEAD } from './parts';

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
  if type(found) ~= 'string' then return found end
  if found == '' then return false end
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
 * KEYS 1 head, 2… tags, then entries, then leases · ARGV 3 number of tags, 4 most bytes of an entry, 5 most bytes of all,
 * 6 1 for no versions, 7 number of entries, 8 number of fields, 9… fields of tags in head, then the number of terms that
 * wishes have in common, and each of them: lease ms, tag ttl ms, places of fields, counted from the last tag on; then a wish
 * for each entry: '' for none, else token, letter of its terms, places of its tags
 */
export const READ_TO_LOAD = `${OPEN_HEAD}${FILLED}
local tagCount, room = tonumber(ARGV[3]), tonumber(ARGV[5])
local entryCount, fieldCount = tonumber(ARGV[7]), tonumber(ARGV[8])
local firstTerms = 10 + fieldCount
local beforeWishes = firstTerms - 1 + tonumber(ARGV[9 + fieldCount])
${find('ARGV[4]')}
local fresh = format(seq, seq)
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
-- Newest version of a tag, created where it is missing. A foreign type, which MGET does not tell from nothing, fails.
-- What is created now counts as new: whoever began to load before it would not be valid for it.
local newest, lives = {}, {}
-- A tag with a key of its own lives as long as whatever is loaded with it: no fill looks at it again.
local function keep(place, its)
  if lives[place] >= its.life then return end
  lives[place] = its.life
  call('PEXPIRE', KEYS[1 + place], its.ttl)
end
local function newestOf(place, its)
  local field = place - tagCount
  if newest[place] then
    if field <= 0 then keep(place, its) end
    return newest[place]
  end
  local version = versions[place]
  if field > 0 then version = head[3 + field] end
  local deleted, expired = parse(version)
  if deleted then
    newest[place] = math.max(deleted, expired)
    if field > 0 then return newest[place] end
    lives[place] = call('PTTL', KEYS[1 + place])
    keep(place, its)
  else
    if field > 0 then call('HSET', HEAD, ARGV[8 + field], fresh)
    elseif version then call('SET', KEYS[1 + place], fresh, 'PX', its.ttl)
    elseif not call('SET', KEYS[1 + place], fresh, 'PX', its.ttl, 'NX') then error('not a version') end
    newest[place], lives[place] = seq, its.life
  end
  return newest[place]
end
local function newestOfAll(places, its)
  local newest, only = 0, tonumber(places)
  if only then return newestOf(only, its) end
  for place in string.gmatch(places, '%d+') do newest = math.max(newest, newestOf(tonumber(place), its)) end
  return newest
end
local terms = {}
local function termsOf(letter)
  if not terms[letter] then
    local leaseMs, ttl, places = string.match(ARGV[firstTerms + string.byte(letter) - ${FIRST_LETTER}], '^(%d+) (%d+)(.*)$')
    local its = { leaseMs = leaseMs, ttl = ttl, life = tonumber(ttl) }
    its.newest = newestOfAll(places, its)
    terms[letter] = its
  end
  return terms[letter]
end
local function grant(lease, wish)
  if not isKnown then lookAtVersions() end
  local its = termsOf(string.sub(wish, 37, 37))
  local newest = math.max(its.newest, newestOfAll(string.sub(wish, 38), its))
  local mark = string.sub(wish, 1, 36) .. '|' .. fresh
  -- Where there is no memory for it, whoever holds it is told of all the same.
  local taken = attempt('SET', lease, mark, 'PX', its.leaseMs, 'NX')
  if type(taken) == 'table' and taken.ok then return 1 end
  local outcome = outcomeOf(call('GET', lease), newest)
  if outcome == 1 then call('SET', lease, mark, 'PX', its.leaseMs) end
  return outcome
end
local reply = { head, versions }
local lease = 1 + tagCount + entryCount
for i = 1, entryCount do
  local found = find(KEYS[1 + tagCount + i])
  local wish = ARGV[beforeWishes + i]
  if wish ~= '' then
    lease = lease + 1
    if found == false then
      local done, outcome = pcall(grant, KEYS[lease], wish)
      if done then found = ${WISHED} + outcome end
    end
  end
  reply[2 + i] = found
end
-- Whoever loads has no use for versions either.
if ARGV[6] == '1' then reply[1], reply[2] = { head[1], head[2], head[3] }, {} end
return reply
`;
