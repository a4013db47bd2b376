import type { Log } from '../log.ts'

/** What of ours lies in Redis, as the log calls it. */
export type RedisSubject = 'Redis cache' | 'Redis rate limits'

/** Tells the log once when Redis comes, and once when it goes, however often either is noticed. */
export type RedisPresence = {
  arrived(): void
  /** It was not there at the start. */
  absent(error: Error | undefined): void
  /** It does not answer any more. Says nothing before it first arrived. */
  lost(error: Error | undefined): void
  /** We close the connection ourselves: nothing that follows is news. */
  leave(): void
}

export function createRedisPresence(
  log: Pick<Log, 'info' | 'warn'>,
  subject: RedisSubject,
): RedisPresence {
  let state: 'awaited' | 'absent' | 'present' | 'lost' | 'left' = 'awaited'
  return {
    arrived() {
      if (state === 'present' || state === 'left') {
        return
      }
      log.info(state === 'lost' ? `${subject} restored` : `${subject} initialized`)
      state = 'present'
    },
    absent(error) {
      if (state === 'awaited') {
        log.warn({ err: error }, `${subject} initialization failed`)
        state = 'absent'
      }
    },
    lost(error) {
      if (state === 'present') {
        log.warn({ err: error }, `${subject} lost`)
        state = 'lost'
      }
    },
    leave() {
      state = 'left'
    },
  }
}
