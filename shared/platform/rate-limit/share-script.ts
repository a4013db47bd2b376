import type { Redis, Result } from 'ioredis'

/**
 * Tells how often this process has counted each of some partitions, and learns how often all have. Each process says its own
 * totals and not what was added, so that a call whose answer got lost is made again without being counted twice, and a Redis
 * that lost its memory is told everything once more.
 *
 * KEYS[1] counts of the running window   KEYS[2] counts of the one before; hashes, in one slot of a Redis Cluster
 * ARGV[1] lifeMs, then for each partition: its field, the field of this process, its own count, its own count before
 * Returns the server's time in milliseconds, then for each partition the total and the total before
 * Errors  OOM, READONLY, MISCONF, WRONGTYPE
 * Bounds  loops over the partitions, of which `share.ts` sends at most 250; eight look-ups each
 */
const share = `
local function total(key, field, mine, own)
  own = tonumber(own)
  if own > 0 then
    local known = tonumber(redis.call('HGET', key, mine)) or 0
    if own > known then
      redis.call('HSET', key, mine, own)
      return redis.call('HINCRBY', key, field, own - known)
    end
  end
  return tonumber(redis.call('HGET', key, field)) or 0
end

local now = redis.call('TIME')
local answer = { now[1] * 1000 + math.floor(now[2] / 1000) }
for at = 2, #ARGV, 4 do
  answer[#answer + 1] = total(KEYS[1], ARGV[at], ARGV[at + 1], ARGV[at + 2])
  answer[#answer + 1] = total(KEYS[2], ARGV[at], ARGV[at + 1], ARGV[at + 3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return answer
`

/** Teaches a connection the script. */
export function defineShareScript(redis: Redis): void {
  redis.defineCommand('rateLimitShare', { numberOfKeys: 2, lua: share })
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    rateLimitShare(...keysAndArguments: readonly (string | number)[]): Result<unknown, Context>
  }
}
