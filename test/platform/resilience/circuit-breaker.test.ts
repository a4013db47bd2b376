import { expect } from 'chai'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { Problem } from '#platform/problem'
import {
  createCircuitBreaker,
  type BreakerOptions,
  type CircuitBreaker,
} from '#platform/resilience/circuit-breaker'
import type { Probe } from '#platform/resilience/probing'
import { createTestClock } from '../../support/clock.ts'

const refused = new Error('connection refused')
const isDown = (): Promise<never> => Promise.reject(refused)
const isUp = () => Promise.resolve('fresh')
const never = () => new Promise<never>(() => {})

describe('circuit breaker', () => {
  it('opens after 5 failures, tries again after 60 s, and closes after 2 successes', async () => {
    const { breaker, clock, changes } = open()
    await fail(breaker, 5)
    expect(breaker.snapshot()).to.deep.include({
      state: 'OPEN',
      failures: 5,
      nextAttemptAt: new Date(clock.now().getTime() + 60_000),
    })
    await clock.advance(59_999)
    expect(breaker.snapshot().state).to.equal('OPEN')
    await clock.advance(1)
    expect(breaker.snapshot()).to.include({ state: 'HALF_OPEN', nextAttemptAt: undefined })
    expect(await breaker.run(isUp)).to.equal('fresh')
    expect(breaker.snapshot().state).to.equal('HALF_OPEN')
    await breaker.run(isUp)
    expect(breaker.snapshot().state).to.equal('CLOSED')
    expect(breaker.snapshot().transitions).to.deep.equal({ OPEN: 1, HALF_OPEN: 1, CLOSED: 1 })
    expect(changes).to.deep.equal(['CLOSED > OPEN', 'OPEN > HALF_OPEN', 'HALF_OPEN > CLOSED'])
  })

  it('leaves the dependency alone while open and gives the fallback at once', async () => {
    const { breaker } = open()
    await fail(breaker, 5)
    let calls = 0
    const call = () => {
      calls += 1
      return isUp()
    }
    expect(await breaker.run(call, () => 'stale')).to.equal('stale')
    expect(calls).to.equal(0)
  })

  it('answers with a problem that says when to come back, where there is no fallback', async () => {
    const { breaker, clock } = open()
    await fail(breaker, 5)
    await clock.advance(18_500)
    const error = await breaker.run(isUp).catch((reason: unknown) => reason)
    if (!(error instanceof Problem)) {
      throw new Error('no problem')
    }
    expect(error.type).to.include({ slug: 'platform/dependency-unavailable', kind: 'unavailable' })
    expect(error.facts).to.deep.equal({ retryAfterSeconds: 42 })
    expect(error.message).not.to.include('redis')
  })

  it('throws the error of a call as it is, and never hides it behind the fallback', async () => {
    const { breaker } = open()
    const error = await breaker.run(isDown, () => 'stale').catch((reason: unknown) => reason)
    expect(error).to.equal(refused)
  })

  it('does not open on answers that refuse, nor on callers who leave', async () => {
    const { breaker } = open()
    const refuses = () => Promise.reject(new Error('answered: duplicate key'))
    const leaves = () => Promise.reject(new Error('unknown: the caller left'))
    for (let count = 0; count < 20; count += 1) {
      await breaker.run(refuses).catch(() => undefined)
      await breaker.run(leaves).catch(() => undefined)
    }
    expect(breaker.snapshot()).to.include({ state: 'CLOSED', failures: 0 })
  })

  it('lets one trial through and bounds it, so that a frozen dependency cannot hold it for ever', async () => {
    const judge = (error: unknown) => (error === refused ? 'failed' : 'unknown')
    const { breaker, clock } = open({ judge })
    await fail(breaker, 5)
    await clock.advance(60_000)
    let isAborted = false
    const trial = breaker
      .run((signal) => {
        signal.addEventListener('abort', () => (isAborted = true))
        return never()
      })
      .catch((error: unknown) => String(error))
    expect(await breaker.run(isUp, () => 'stale')).to.equal('stale')
    await clock.advance(250)
    expect(await trial).to.equal('TimedOut: no answer within 250 ms')
    expect(isAborted).to.equal(true)
    expect(breaker.snapshot().state).to.equal('OPEN')
    expect(clock.sleeping()).to.equal(0)
  })

  it('keeps its pause when wall time jumps', async () => {
    const { breaker, clock } = open()
    await fail(breaker, 5)
    clock.setWallTime(new Date('2031-01-01T00:00:00Z'))
    expect(breaker.snapshot().state).to.equal('OPEN')
    clock.setWallTime(new Date('1999-01-04T00:00:00Z'))
    await clock.advance(60_000)
    expect(breaker.snapshot().state).to.equal('HALF_OPEN')
  })
})

describe('circuit breaker with a probe', () => {
  it('is ready for trials as soon as the dependency answers, not only after 60 s', async () => {
    const dependency = { isUp: false, asked: 0 }
    const { breaker, clock } = open({ probe: probe(dependency) })
    await fail(breaker, 5)
    await clock.advance(10_000)
    expect(breaker.snapshot().state).to.equal('OPEN')
    expect(dependency.asked).to.equal(10)
    dependency.isUp = true
    await clock.advance(1000)
    expect(breaker.snapshot().state).to.equal('HALF_OPEN')
    await breaker.run(isUp)
    await breaker.run(isUp)
    expect(breaker.snapshot().state).to.equal('CLOSED')
    await clock.advance(10_000)
    expect(dependency.asked).to.equal(11)
  })

  it('asks at pauses that double up to the longest, and begins anew with the next outage', async () => {
    const dependency = { isUp: false, asked: 0 }
    const { breaker, clock } = open({
      probe: { ...probe(dependency), everyMs: 500, everyMsMax: 4_000 },
    })
    await fail(breaker, 5)
    for (const [pauseMs, asked] of [
      [500, 1],
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
      [4_000, 5],
    ] as const) {
      await clock.advance(pauseMs - 1)
      expect(dependency.asked).to.equal(asked - 1)
      await clock.advance(1)
      expect(dependency.asked).to.equal(asked)
    }
    dependency.isUp = true
    await clock.advance(4_000)
    await breaker.run(isUp)
    await breaker.run(isUp)
    await fail(breaker, 5)
    await clock.advance(500)
    expect(dependency.asked).to.equal(7)
  })

  it('goes on with the question it waits to ask when a trial fails in between', async () => {
    const dependency = { isUp: false, asked: 0 }
    const { breaker, clock } = open({ probe: { ...probe(dependency), everyMs: 45_000 } })
    await fail(breaker, 5)
    await clock.advance(60_000)
    await fail(breaker, 1)
    expect(breaker.snapshot()).to.deep.include({
      state: 'OPEN',
      transitions: { OPEN: 2, HALF_OPEN: 1, CLOSED: 0 },
    })
    expect(clock.sleeping()).to.equal(1)
    await clock.advance(30_000)
    expect(dependency.asked).to.equal(2)
  })

  it('asks one question at a time, also when trials fail and the circuit opens again', async () => {
    const dependency = { isUp: true, asked: 0 }
    const { breaker, clock } = open({ probe: probe(dependency) })
    await fail(breaker, 5)
    for (let round = 1; round <= 5; round += 1) {
      await clock.advance(1000)
      expect(dependency.asked).to.equal(round)
      await fail(breaker, 1)
      expect(breaker.snapshot().state).to.equal('OPEN')
      expect(clock.sleeping()).to.equal(1)
    }
  })

  it('gives up on a probe that is not answered and asks again', async () => {
    let asked = 0
    const frozen = () => {
      asked += 1
      return never()
    }
    const { breaker, clock } = open({ probe: { run: frozen, everyMs: 1000, timeoutMs: 250 } })
    await fail(breaker, 5)
    await clock.advance(1250 * 4)
    expect(asked).to.equal(4)
  })

  it('stops with the lifecycle', async () => {
    const { breaker, clock, lifecycle } = open({ probe: probe({ isUp: false, asked: 0 }) })
    await fail(breaker, 5)
    await clock.advance(2000)
    await lifecycle.stop()
    expect(clock.sleeping()).to.equal(0)
  })
})

function open(options: Partial<BreakerOptions> = {}) {
  const clock = createTestClock()
  const lifecycle = createLifecycle(createLog('test', 'silent'))
  const changes: string[] = []
  const breaker = createCircuitBreaker(
    {
      name: 'redis-cache',
      judge: (error) => {
        const word = error instanceof Error ? error.message.split(':')[0] : ''
        return word === 'answered' || word === 'unknown' ? word : 'failed'
      },
      onTransition: ({ from, to }) => changes.push(`${from} > ${to}`),
      ...options,
    },
    { clock, lifecycle },
  )
  return { breaker, clock, lifecycle, changes }
}

function probe(dependency: { isUp: boolean; asked: number }): Probe {
  const run = () => {
    dependency.asked += 1
    return dependency.isUp ? isUp() : isDown()
  }
  return { run, everyMs: 1000, timeoutMs: 250 }
}

async function fail(breaker: CircuitBreaker, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    await breaker.run(isDown).catch(() => undefined)
  }
}
