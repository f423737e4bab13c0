/**
 * Entries, and the versions to judge them by, as of one moment. What is too large for this answer, or for what is
 * left of it, is answered with 1: its reader asks for it alone, so that nobody waits for the bytes of another.
 * What is no text is answered with its error.
 *
 * KEYS 1 head, 2… tags, then entries · ARGV 1 number of tags, 2 most bytes of an entry, 3 most bytes of all, 4… fields of
 * tags in head
 */
export const READ = `
local tagCount, most, room = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local versions = {}
-- In parts: Lua gives a function some thousand arguments at most.
for first = 2, tagCount + 1, 1000 do
  local part = redis.call('MGET', unpack(KEYS, first, math.min(first + 999, tagCount + 1)))
  for i = 1, #part do versions[#versions + 1] = part[i] end
end
local reply = { redis.call('HMGET', KEYS[1], 'epoch', 'run', 'seq', unpack(ARGV, 4)), versions }
for i = tagCount + 2, #KEYS do
  -- Asked first: a value that is not sent should not be copied either.
  local found = redis.pcall('STRLEN', KEYS[i])
  if type(found) == 'number' then
    if found == 0 then found = false
    elseif found > most or found > room then found = 1
    else
      room = room - found
      found = redis.call('GET', KEYS[i])
    end
  end
  reply[#reply + 1] = found
end
return reply
`;
