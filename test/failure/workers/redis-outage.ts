import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#platform/clock'
import { startCanary } from '#platform/queue/canary'
import { defineJob } from '#platform/queue/define-job'
import { startWorkers } from '#platform/queue/workers'
import { findRedisBinary, startRedis } from '../../../deploy/laptop/redis.ts'
import {
  anyJob,
  type anyPayload,
  calmLimits,
  eventually,
  openProcess,
  type Opened,
} from '../../platform/queue/fixture.ts'
import { createDatabase, freePort } from '../../support/servers.ts'

/** What a worker did around an outage of its Redis. */
export type OutageOutcome = {
  /** From the moment Redis was there again until a job was done that was enqueued then; also until the canary sang. */
  readonly consumedAfterMs: number
  readonly canaryAfterMs: number
}

/** Stops Redis for so long under a worker that is idle, starts it again with what it had, and waits for the worker.
 *  @returns undefined without a Redis binary */
export async function survive(seconds: number): Promise<OutageOutcome | undefined> {
  const binary = await findRedisBinary(process.env['PATH'] ?? '')
  if (!binary) {
    return undefined
  }
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'))
  const port = await freePort()
  const settings = ['--appendonly', 'yes']
  let redis = await startRedis({ binary, directory, port, settings })
  const one = await openProcess(await createDatabase(), `redis://127.0.0.1:${port}`)
  try {
    const words: string[] = []
    const job = defineJob<Opened, typeof anyPayload>({
      ...anyJob,
      queue: 'outage',
      async run(_slice, { word }) {
        words.push(word)
        return {}
      },
    })
    startWorkers(one, [job], calmLimits)
    const canary = startCanary(one)
    await one.queues.enqueue(job, { word: 'before' })
    await eventually(() => (words.includes('before') ? true : undefined))
    await redis.stop()
    await systemClock.sleep(seconds * 1000)
    redis = await startRedis({ binary, directory, port, settings })
    const begunMs = systemClock.monotonicMs()
    const sinceMs = () => systemClock.monotonicMs() - begunMs
    await eventually(
      () => one.queues.enqueue(job, { word: 'after' }).catch(() => undefined),
      30_000,
    )
    await eventually(() => (words.includes('after') ? true : undefined), 60_000)
    const consumedAfterMs = Math.round(sinceMs())
    await eventually(() => (canary.ageMs() < sinceMs() ? true : undefined), 60_000)
    return { consumedAfterMs, canaryAfterMs: Math.round(sinceMs()) }
  } finally {
    await one.lifecycle.stop()
    await redis.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
