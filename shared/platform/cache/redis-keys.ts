import { hash } from 'node:crypto'
import type { CacheKey } from './entry.ts'
import { entryFormat } from './entry-codec.ts'

/** The names under which the cache keeps things in Redis. */
export type RedisKeys = {
  /** Of one answer: the value, and the lease of whoever makes it. */
  readonly ofAnswer: (epoch: string, key: CacheKey) => readonly [value: string, lease: string]
  readonly xmax: (epoch: string) => string
  /** The channel of hints that something was committed. */
  readonly changes: string
}

/**
 * All begin with the prefix. A key of the cache has line breaks and whatever a caller wrote, so its SHA-256 stands for it; in
 * braces, so that value and lease lie in one slot of a Redis Cluster.
 * @throws {Error} for a prefix that has braces itself, or nothing
 */
export function redisKeys(prefix: string): RedisKeys {
  if (!/^[\w:.-]{1,100}$/.test(prefix)) {
    throw new Error(`not a prefix for keys in Redis: ${prefix.slice(0, 100)}`)
  }
  return {
    ofAnswer(epoch, key) {
      const name = `${prefix}:entry${entryFormat}:${epoch}:{${hash('sha256', key, 'base64url')}}`
      return [`${name}:value`, `${name}:lease`]
    },
    xmax: (epoch) => `${prefix}:xmax:${epoch}`,
    changes: `${prefix}:changes`,
  }
}
