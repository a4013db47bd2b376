import type { Redis, Result } from 'ioredis'
import { entryBytesMax, entryLineBytesMax, entryMagic } from './entry-codec.ts'

// What must happen in Redis in one step. Each script runs by its SHA and is sent whole again after SCRIPT FLUSH or a restart.
// None loops, none touches more than its keys, which lie in one slot of a Redis Cluster; the largest thing that one reads is
// an entry (4 MiB). A key of the wrong type or content, whoever put it there, counts as empty and is overwritten.

/** xmax and running of an encoded entry; -1 when there is none, or none that could be real. */
const orderOf = `
local function orderOf(entry)
  if type(entry) ~= 'string' then return -1, 0 end
  local xmax, running = string.match(entry, '^${entryMagic} %x+ (%d+) (%d+) ')
  xmax, running = tonumber(xmax), tonumber(running)
  if not xmax or not running or xmax > ${Number.MAX_SAFE_INTEGER} then return -1, 0 end
  return xmax, running
end
`

/**
 * Gives the value, or the right to make one.
 *
 * KEYS[1] value   KEYS[2] lease
 * ARGV[1] holder  ARGV[2] leaseMs   ARGV[3] stamp of an entry that counts as absent, or ''
 * Returns         the value's bytes; 1: the caller holds the lease (asked again, still); 0: somebody else holds it
 * Errors          OOM, READONLY, MISCONF when a lease would have to be written; a value that is there is given all the same
 * Bounds          a lease always expires: one without expiry is taken over; a value above 4 MiB is not sent
 */
const getOrLease = `
local function hasStamp(entry, stamp)
  local length, from = string.match(entry, '^${entryMagic} %x+ %d+ %d+ (%d+) %d+ %d+\\n()')
  return length and string.sub(entry, from, from + tonumber(length) - 1) == stamp
end

local length = redis.pcall('STRLEN', KEYS[1])
if type(length) == 'number' and length > 0 and length <= ${entryBytesMax} then
  local entry = redis.call('GET', KEYS[1])
  if ARGV[3] == '' or not hasStamp(entry, ARGV[3]) then return entry end
end

local holder = redis.pcall('GET', KEYS[2])
if holder == ARGV[1] then return 1 end
if holder and redis.call('PTTL', KEYS[2]) >= 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
`

/**
 * Stores an entry unless a later one is there, and ends the lease whatever becomes of it. One with the same stamp replaces:
 * it says the same, but is younger, and the old one may be damaged.
 *
 * KEYS[1] value   KEYS[2] lease
 * ARGV[1] entry   ARGV[2] lifeMs    ARGV[3] holder
 * Returns         1: stored; 0: a later one is there
 * Errors          OOM, READONLY, MISCONF
 * Bounds          numbers are doubles: exact to 2^53, as far as transaction ids are read at all
 */
const putIfNewer = `${orderOf}
local xmax, running = orderOf(ARGV[1])
local storedXmax, storedRunning = orderOf(redis.pcall('GETRANGE', KEYS[1], 0, ${entryLineBytesMax - 1}))
local isLate = xmax < storedXmax or (xmax == storedXmax and running > storedRunning)
local answer = not isLate and redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.pcall('GET', KEYS[2]) == ARGV[3] then redis.pcall('DEL', KEYS[2]) end
if answer and answer.err then return answer end
return isLate and 0 or 1
`

/**
 * Raises the greatest xmax of an epoch; it lives longer than every value that was put under it.
 *
 * KEYS[1] greatest xmax
 * ARGV[1] xmax    ARGV[2] lifeMs of the value that follows
 * Returns         1
 * Errors          OOM, READONLY, MISCONF: the value must not be stored then
 * Bounds          as above; one minute is added to the life, for the value is stored a moment later
 */
const raiseXmax = `
local known = redis.pcall('GET', KEYS[1])
local greatest = type(known) == 'string' and string.match(known, '^%d+$') and tonumber(known) or -1
local lifeMs = math.max(tonumber(ARGV[2]) + 60000, redis.call('PTTL', KEYS[1]))
if greatest > ${Number.MAX_SAFE_INTEGER} or greatest < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', lifeMs)
else
  redis.call('PEXPIRE', KEYS[1], lifeMs)
end
return 1
`

/**
 * Ends a lease whose fill failed, so that the next caller need not wait for its end.
 *
 * KEYS[1] lease
 * ARGV[1] holder
 * Returns         1: ended; 0: somebody else's, or over
 */
const releaseLease = `
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`

/** Teaches a connection the scripts. */
export function defineScripts(redis: Redis): void {
  redis.defineCommand('cacheGetOrLease', { numberOfKeys: 2, lua: getOrLease })
  redis.defineCommand('cachePutIfNewer', { numberOfKeys: 2, lua: putIfNewer })
  redis.defineCommand('cacheRaiseXmax', { numberOfKeys: 1, lua: raiseXmax })
  redis.defineCommand('cacheReleaseLease', { numberOfKeys: 1, lua: releaseLease })
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    cacheGetOrLeaseBuffer(
      ...keysAndArguments: readonly (string | number)[]
    ): Result<unknown, Context>
    cachePutIfNewer(
      ...keysAndArguments: readonly (string | number | Buffer)[]
    ): Result<unknown, Context>
    cacheRaiseXmax(...keysAndArguments: readonly (string | number)[]): Result<unknown, Context>
    cacheReleaseLease(...keysAndArguments: readonly string[]): Result<unknown, Context>
  }
}
