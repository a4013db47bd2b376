import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { sql } from 'kysely'
import { startRelay } from '#platform/outbox/relay'
import { defineSubscriber } from '#platform/outbox/subscriber'
import { defineJob } from '#platform/queue/define-job'
import { defineSchedule } from '#platform/queue/schedule'
import { startSchedules } from '#platform/queue/start-schedules'
import { startWorkers } from '#platform/queue/workers'
import { findRedisBinary, startRedis, type RedisServer } from '../../deploy/laptop/redis.ts'
import {
  anyJob,
  calmLimits,
  eventually,
  openProcess,
  type Opened,
} from '../platform/queue/fixture.ts'
import { createDatabase, freePort } from '../support/servers.ts'

describe('a Redis that somebody flushes, or that stops and comes back empty', () => {
  let directory = ''
  let redis: RedisServer | undefined
  let port = 0
  let binary = ''
  let databaseUrl = ''
  const opened: Opened[] = []
  const settings = ['--save', '', '--appendonly', 'no']

  before(async function () {
    binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'))
  })

  beforeEach(async () => {
    port = await freePort()
    redis = await startRedis({ binary, directory, port, settings })
    databaseUrl = await createDatabase()
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ lifecycle }) => lifecycle.stop()))
    await redis?.stop()
  })

  after(async () => {
    if (directory !== '') {
      await rm(directory, { recursive: true, force: true })
    }
  })

  async function open(): Promise<Opened> {
    const one = await openProcess(databaseUrl, `redis://127.0.0.1:${port}`)
    opened.push(one)
    return one
  }

  async function flush(): Promise<void> {
    const client = new Redis(port)
    await client.flushall()
    client.disconnect()
  }

  const handled: string[] = []
  const subscriber = defineSubscriber<Opened>({
    name: 'hear',
    queue: 'flushed-events',
    topics: ['shelf.*'],
    attemptsMax: 3,
    backoffMs: 10,
    timeoutMs: 5000,
    concurrency: 1,
    async handle(_slice, { eventId }) {
      handled.push(eventId)
      return {}
    },
  })

  async function writeEvents({ db }: Opened, count: number): Promise<void> {
    await db.run(sql`
      insert into outbox_events (topic, aggregate_id, payload)
      select 'shelf.filled', gen_random_uuid(), '{}' from generate_series(1, ${count}::int)`)
  }

  const relayOptions = () => ({ databaseUrl, applicationName: 'flushed', redeliverAfterMs: 1000 })

  it('loses no event that was enqueued and not yet handled', async () => {
    const one = await open()
    startRelay(one, [subscriber], relayOptions())
    await writeEvents(one, 5)
    const waiting = async () => (await one.queues.counts('flushed-events')).waiting
    await eventually(async () => ((await waiting()) === 5 ? true : undefined))
    await flush()
    expect(await waiting()).to.equal(0)
    startWorkers(one, [subscriber.job], calmLimits)
    await eventually(() => (handled.length === 5 ? true : undefined))
    expect(new Set(handled).size).to.equal(5)
  })

  it('keeps events until it is back, and then gives them to their subscribers', async () => {
    handled.length = 0
    const one = await open()
    startRelay(one, [subscriber], { ...relayOptions(), redeliverAfterMs: 600_000 })
    startWorkers(one, [subscriber.job], calmLimits)
    await redis?.stop()
    await writeEvents(one, 5)
    await eventually(async () => {
      const [row] = await one.db.run(sql<{ count: number }>`
        select count(*)::int as count from event_deliveries`)
      return row?.count === 5 ? true : undefined
    })
    expect(handled).to.deep.equal([])
    redis = await startRedis({ binary, directory, port, settings })
    await eventually(() => (handled.length === 5 ? true : undefined), 20_000)
    expect(new Set(handled).size).to.equal(5)
  })

  it('has its schedules again, though its connections never broke', async () => {
    const job = defineJob<Opened, typeof anyJob.payload>({
      ...anyJob,
      queue: 'flushed-schedules',
      run: async () => ({}),
    })
    const schedule = defineSchedule({
      id: 'tick',
      job,
      payload: { word: 'x' },
      cadence: { everyMs: 3_600_000 },
    })
    const one = await open()
    startSchedules(one, [schedule], 100)
    const isThere = () =>
      eventually(async () => {
        const found = await one.queues.queue(job.queue).getJobScheduler('tick')
        return found ? true : undefined
      })
    await isThere()
    await flush()
    expect(await isThere()).to.equal(true)
  })
}).timeout(40_000)
