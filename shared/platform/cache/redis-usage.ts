/** How full a Redis server is, and what it has thrown away to make room since it began. */
export type RedisUsage = {
  readonly usedBytes: number
  /** At which it evicts or refuses; 0: it has no limit. */
  readonly limitBytes: number
  readonly evictedCount: number
}

/** Reads them out of what INFO answers; undefined when one is missing, as some providers leave out what they do not tell. */
export function readRedisUsage(info: string): RedisUsage | undefined {
  const figure = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)\\s*$`, 'm').exec(info)?.[1])
  const usage = {
    usedBytes: figure('used_memory'),
    limitBytes: figure('maxmemory'),
    evictedCount: figure('evicted_keys'),
  }
  return Object.values(usage).some(Number.isNaN) ? undefined : usage
}
