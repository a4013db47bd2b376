import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Problem } from '#platform/problem'
import { defineJob } from '#platform/queue/define-job'
import { startSchedules } from '#platform/queue/start-schedules'
import { startWorkers } from '#platform/queue/workers'
import { findRedisBinary, startRedis, type RedisServer } from '../../../deploy/laptop/redis.ts'
import { survive } from '../../failure/workers/redis-outage.ts'
import { createDatabase, freePort } from '../../support/servers.ts'
import {
  anyJob,
  type anyPayload,
  calmLimits as limits,
  eventually,
  openProcess,
  type Opened,
} from './fixture.ts'

describe('queue whose redis goes away', () => {
  let binary = ''
  let directory = ''
  let port = 0
  let redis: RedisServer | undefined
  let databaseUrl = ''
  const opened: Opened[] = []

  before(async function () {
    binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
    directory = await mkdtemp(join(tmpdir(), 'tidegate-redis-'))
    databaseUrl = await createDatabase()
  })

  beforeEach(async () => {
    port = await freePort()
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ lifecycle }) => lifecycle.stop()))
    await stop()
  })

  after(async () => {
    if (directory !== '') {
      await rm(directory, { recursive: true, force: true })
    }
  })

  async function start(settings = ['--save', '', '--appendonly', 'no']): Promise<void> {
    redis = await startRedis({ binary, directory, port, settings })
  }

  async function stop(): Promise<void> {
    await redis?.stop()
    redis = undefined
  }

  async function open(): Promise<Opened> {
    const one = await openProcess(databaseUrl, `redis://127.0.0.1:${port}`)
    opened.push(one)
    return one
  }

  function recorder(queue: string) {
    const words: string[] = []
    const job = defineJob<Opened, typeof anyPayload>({
      queue: `${queue}-${process.pid}`,
      ...anyJob,
      run: async (_slice, { word }) => {
        words.push(word)
        return {}
      },
    })
    return { words, job }
  }

  async function enqueueMs(one: Opened, job: ReturnType<typeof recorder>['job']) {
    const begin = performance.now()
    const refusal = await one.queues.enqueue(job, { word: 'lost' }).catch((error: unknown) => error)
    return { refusal, ms: performance.now() - begin }
  }

  it('refuses to enqueue within the command limit, and enqueues again once it is back', async () => {
    await start()
    const one = await open()
    const { job } = recorder('refuses')
    await one.queues.enqueue(job, { word: 'before' })
    await stop()
    const { refusal, ms } = await enqueueMs(one, job)
    expect(refusal).to.be.instanceOf(Problem).with.nested.property('type.slug', 'queue/unavailable')
    expect(ms).to.be.below(3_000)
    await start()
    await eventually(() => one.queues.enqueue(job, { word: 'after' }).catch(() => undefined))
  })

  it('opens while redis is away, refuses at once, and works as soon as redis is there', async () => {
    const one = await open()
    const { words, job } = recorder('opens')
    startWorkers(one, [job], limits)
    const { refusal, ms } = await enqueueMs(one, job)
    expect(refusal).to.be.instanceOf(Problem)
    expect(ms).to.be.below(1_000)
    await start()
    await eventually(() => one.queues.enqueue(job, { word: 'after' }).catch(() => undefined))
    await eventually(() => (words.includes('after') ? true : undefined))
  })

  for (const seconds of [3, 8]) {
    it(`consumes again after an outage of ${seconds} seconds`, async () => {
      expect(await survive(seconds))
        .to.have.property('consumedAfterMs')
        .below(25_000)
    }).timeout(60_000)
  }

  it('writes its schedules again into a redis that came back empty', async () => {
    await start()
    const one = await open()
    const { words, job } = recorder('schedules')
    startWorkers(one, [job], limits)
    const payload = { word: 'tick' }
    startSchedules(one, [{ id: 'tick', job, payload, cadence: { everyMs: 250 } }])
    await eventually(() => (words.length > 0 ? true : undefined))
    await stop()
    await start()
    const seen = words.length
    await eventually(() => (words.length > seen + 1 ? true : undefined), 15_000)
  }).timeout(30_000)

  it('warns when redis may evict jobs', async () => {
    await start(['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'])
    const lines: string[] = []
    const one = await openProcess(databaseUrl, `redis://127.0.0.1:${port}`, (line) =>
      lines.push(line),
    )
    opened.push(one)
    expect(lines.join()).to.include('noeviction')
  })
})
