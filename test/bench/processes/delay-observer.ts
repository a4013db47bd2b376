import { Redis } from 'ioredis'
import { Client, Pool } from 'pg'
import type { CacheRead } from '../../../shared/platform/cache/cache.ts'
import type { Held } from '../../../shared/platform/cache/held.ts'
import { openCacheProcess, readMember } from '../cache-process.ts'
import { bareChannel, type DelaySetup, type Observed, type Vanished } from '../delay.ts'
import { answerParent } from '../forked.ts'
import { machineMs, waitedMs } from '../machine-clock.ts'

// Process B: looks again and again whether it still serves what it has read, and reads anew what it does not.

/** Between two looks at all answers. */
const pauseMs = 0.15

type Watched = { readonly id: string; readonly read: CacheRead; held: Held | undefined }

answerParent(async ({ url, redisUrl, kind }: DelaySetup) => {
  const opened = await openCacheProcess({ url, redisUrl })
  const { cache } = opened
  const vanished: Vanished[] = []
  const bareMs: number[] = []
  const client = new Client({ connectionString: url })
  await client.connect()
  const pool = new Pool({ connectionString: url, max: 4 })
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl)
  const end = new AbortController()

  /** What must happen at the least after a hint: one question to PostgreSQL. */
  async function hearBare(sentAt: string): Promise<void> {
    await pool.query({ name: 'bare', text: 'select 1' })
    bareMs.push(machineMs() - Number(sentAt))
  }
  client.on('notification', ({ payload = '' }) => void hearBare(payload))
  redis?.on('message', (_channel, message) => void hearBare(message))
  await (kind === 'foreign' ? client.query(`listen ${bareChannel}`) : redis?.subscribe(bareChannel))

  async function refill(watched: Watched): Promise<void> {
    watched.held = (await cache.read(watched.read)).held
  }

  function look(watched: Watched): void {
    const { id, read, held } = watched
    if (held && cache.peek(read)?.held !== held) {
      vanished.push({ id, number: numberOf(held), atMs: machineMs() })
      watched.held = undefined
      void refill(watched)
    }
  }

  async function observe(all: readonly Watched[]): Promise<void> {
    const asleep = new Int32Array(new SharedArrayBuffer(4))
    while (!end.signal.aborted) {
      all.forEach(look)
      // Gives the processor away, which timers would do for a millisecond at least.
      Atomics.wait(asleep, 0, 0, pauseMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  let observing: Promise<void> | undefined
  const started = { atMs: 0, waitedMs: 0 }
  return {
    /** Starts with these members, or ends and tells what was seen. */
    async answer(of: { readonly organisationId: string; readonly ids: readonly string[] } | 'end') {
      if (of === 'end') {
        end.abort()
        await observing
        const waitedShare = (waitedMs() - started.waitedMs) / (machineMs() - started.atMs)
        return { vanished, bareMs, waitedShare } satisfies Observed
      }
      const all = of.ids.map((id): Watched => {
        const { organisationId } = of
        return { id, read: readMember(opened, { organisationId, id }), held: undefined }
      })
      await Promise.all(all.map(refill))
      Object.assign(started, { atMs: machineMs(), waitedMs: waitedMs() })
      observing = observe(all)
      return { vanished, bareMs, waitedShare: 0 } satisfies Observed
    },
    async close() {
      redis?.disconnect()
      await client.end()
      await pool.end()
      await opened.close()
    },
  }
})

/** The name says how often the member was written. */
function numberOf({ body }: Held): number {
  return Number(/"name":"(\d+)"/.exec(body.toString())?.[1])
}
