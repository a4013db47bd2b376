import { expect } from 'chai'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { z } from 'zod'
import { systemClock, type Clock } from '#platform/clock'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { openLimiter, type Limiter } from '#platform/rate-limit/limiter'
import { systemRandom } from '#platform/random'
import { send } from '../../../deploy/laptop/live-process.ts'
import { findRedisBinary, startRedis, type RedisServer } from '../../../deploy/laptop/redis.ts'
import { runDirectory } from '../../support/run-directory.ts'
import { freePort, redisUrl } from '../../support/servers.ts'
import { eventually } from '../queue/fixture.ts'

const Line = z.object({ msg: z.string() })
const quota = 100

/** So long that no window ends within a test. */
const windowSeconds = 86_400

type Process = { readonly limiter: Limiter<'key'>; readonly said: readonly string[] }

describe('the limits of several processes', () => {
  let lifecycle: Lifecycle
  let directory = ''

  beforeEach(() => {
    lifecycle = createLifecycle(pino({ level: 'silent' }))
  })
  afterEach(() => lifecycle.stop())
  after(() => (directory === '' ? undefined : rm(directory, { recursive: true, force: true })))

  function open(url: string | undefined, clock: Clock = systemClock): Process {
    const said: string[] = []
    const log = pino({}, { write: (line: string) => said.push(Line.parse(JSON.parse(line)).msg) })
    const policies = { key: { name: 'key', quota, windowSeconds } }
    const prefix = `test-limits-${process.pid}`
    const place =
      url === undefined ? undefined : { url, prefix, connectTimeoutMs: 2000, commandTimeoutMs: 500 }
    const needs = { clock, random: systemRandom, log, lifecycle }
    return { limiter: openLimiter(policies, place, needs), said }
  }
  const take = ({ limiter }: Process, partition: string, count = 1): number =>
    Array.from({ length: count }, () => limiter.quotas.key.take(partition)).filter(
      ({ isAllowed }) => isAllowed,
    ).length
  const remaining = ({ limiter }: Process, partition: string): number =>
    limiter.quotas.key.look(partition).remaining
  const exchange = async (all: readonly Process[]): Promise<void> => {
    for (const { limiter } of all) {
      await limiter.exchange()
    }
  }
  /** Each counts once where nobody looks, and has heard of the others when that was shared. */
  const meet = (all: readonly Process[]): Promise<unknown> =>
    eventually(async () => {
      const partition = systemRandom.uuid()
      all.forEach((one) => take(one, partition))
      await exchange(all)
      all.forEach((one) => take(one, partition))
      await exchange(all)
      return all.every((one) => remaining(one, partition) <= quota - all.length - 1) || undefined
    }, 20_000)

  describe('with Redis', () => {
    let url = ''
    before(function () {
      url = redisUrl() ?? this.skip()
    })
    const openSeveral = async (count: number): Promise<readonly Process[]> => {
      const all = Array.from({ length: count }, () => open(url))
      await meet(all)
      return all
    }

    it('are one quota', async () => {
      const [one, other] = await openSeveral(2)
      const partition = systemRandom.uuid()
      if (!one || !other) {
        throw new Error('two were opened')
      }
      expect(take(one, partition, 60)).to.equal(60)
      await one.limiter.exchange()
      expect(take(other, partition)).to.equal(1)
      await other.limiter.exchange()
      expect(remaining(other, partition)).to.equal(39)
      expect(take(other, partition, 100)).to.equal(39)
      expect(take(other, systemRandom.uuid(), 100)).to.equal(100)
    })

    it('are overshot by no more than is asked for between two exchanges', async () => {
      const all = await openSeveral(4)
      const partition = systemRandom.uuid()
      const perExchange = 5
      let allowed = 0
      for (let round = 0; round < 40; round += 1) {
        allowed += all.reduce((sum, one) => sum + take(one, partition, perExchange), 0)
        await exchange(all)
      }
      expect(allowed).to.be.within(quota, quota + all.length * perExchange)
    })

    it('are overshot by every process once, when all are asked at the same moment', async () => {
      const all = await openSeveral(4)
      const partition = systemRandom.uuid()
      const allowed = all.reduce((sum, one) => sum + take(one, partition, 1000), 0)
      expect(allowed).to.be.at.most(all.length * quota)
      await exchange(all)
      await exchange(all)
      expect(all.map((one) => take(one, partition, 1000))).to.deep.equal([0, 0, 0, 0])
    })

    it('are told again, and not twice, when an answer is lost', async () => {
      const [one, other] = await openSeveral(2)
      const partition = systemRandom.uuid()
      if (!one || !other) {
        throw new Error('two were opened')
      }
      take(one, partition, 10)
      await one.limiter.exchange()
      take(one, partition, 10)
      await Promise.all([one.limiter.exchange(), one.limiter.exchange(), one.limiter.exchange()])
      take(other, partition)
      await other.limiter.exchange()
      expect(remaining(other, partition)).to.equal(79)
    })

    it('agree on the window when a clock is wrong', async () => {
      const fast: Clock = { ...systemClock, now: () => new Date(Date.now() + 40 * 3_600_000) }
      const all = [open(url), open(url, fast)]
      await meet(all)
      const partition = systemRandom.uuid()
      take(all[0] ?? open(url), partition, 70)
      await exchange(all)
      take(all[1] ?? open(url), partition)
      await exchange(all)
      expect(all.map((one) => remaining(one, partition))[1]).to.equal(29)
    })
  })

  describe('whose Redis fails', () => {
    let binary = ''
    let port = 0
    let server: RedisServer | undefined
    before(async function () {
      binary = (await findRedisBinary(process.env['PATH'] ?? '')) ?? this.skip()
      directory = join(runDirectory(), `limits-${process.pid}`)
      await mkdir(directory)
    })
    afterEach(async () => {
      signal('SIGCONT')
      await server?.stop()
    })

    async function start(): Promise<void> {
      const settings = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
      server = await startRedis({ binary, directory: join(directory, 'redis'), port, settings })
    }
    function signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
      if (server) {
        send(server.pid, name)
      }
    }

    const faults = [
      ['killed', () => signal('SIGKILL'), start],
      ['frozen', () => signal('SIGSTOP'), async () => signal('SIGCONT')],
    ] as const
    for (const [name, inject, heal] of faults) {
      it(`go on from memory while it is ${name}, and are one quota again after`, async () => {
        port = await freePort()
        await start()
        const all = [open(`redis://127.0.0.1:${port}`), open(`redis://127.0.0.1:${port}`)]
        await meet(all)
        const partition = systemRandom.uuid()
        all.forEach((one) => take(one, partition, 10))
        await exchange(all)
        all.forEach((one) => take(one, partition))
        await exchange(all)
        inject()
        // Each knows of at least the first ten of the other, and counts its own on.
        const alone = all.map((one) => take(one, partition, 1000))
        alone.forEach((count) => expect(count).to.be.within(78, 80))
        await eventually(async () => {
          all.forEach((one) => take(one, systemRandom.uuid()))
          return all.every(({ said }) => said.at(-1) === 'Redis rate limits lost') || undefined
        }, 20_000)
        expect(all.map((one) => take(one, partition, 1000))).to.deep.equal([0, 0])
        await heal()
        await meet(all)
        expect(all.map((one) => take(one, partition, 1000))).to.deep.equal([0, 0])
        expect(all.map(({ said }) => said)).to.deep.equal(
          all.map(() => [
            'Redis rate limits initialized',
            'Redis rate limits lost',
            'Redis rate limits restored',
          ]),
        )
      }).timeout(60_000)
    }
  })

  it('count each for itself without Redis, and say nothing', async () => {
    const all = [open(undefined), open(undefined)]
    await exchange(all)
    expect(all.map((one) => take(one, 'a', 1000))).to.deep.equal([quota, quota])
    expect(all.map(({ said }) => said)).to.deep.equal([[], []])
  })
})
