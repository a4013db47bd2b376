import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '#platform/clock'
import { openConnection, type Connection } from './connection.ts'
import type { Watch } from './machine.ts'
import { peakOf, secondsOf, usersAt, type Stage } from './profiles.ts'
import type { Scenario } from './scenarios.ts'
import type { Answer, Step } from './session.ts'
import { Tally } from './tally.ts'
import { abortAt, type Figures } from './thresholds.ts'

// A virtual user is one connection that asks, waits for the answer and pauses, as in k6. It is a closed model: users who wait
// ask less, so a slow server is asked less. Nothing is hidden by that here, since no schedule is promised; what is promised is
// the number of users, and the requests per second are a figure of the result.

export type Run = {
  readonly scenario: Scenario
  readonly stages: readonly Stage[]
  readonly baseUrl: string
  readonly key?: string | undefined
  readonly watch: Watch
  /** Ends it early; what was counted until then is returned. */
  readonly signal: AbortSignal
  readonly onSecond: (now: Progress) => void
}

export type Progress = {
  readonly atSeconds: number
  readonly ofSeconds: number
  readonly users: number
  readonly requestsPerSecond: number
  readonly tally: Tally
}

export type Outcome = {
  readonly figures: Figures
  readonly ended: 'whole' | 'aborted' | 'interrupted'
}

/** How often the number of users is set. */
const stepMs = 50

/** Runs one scenario through its stages. */
export async function run(options: Run): Promise<Outcome> {
  const { scenario, stages, baseUrl, key, watch, signal, onSecond } = options
  const open = (): Connection =>
    openConnection(baseUrl, scenario.scopes.length > 0 ? key : undefined)
  const scout = open()
  const catalogue = await follow(scenario.discover(), scout.send)
  scout.close()
  const tally = new Tally()
  const users: User[] = []
  const work: Promise<void>[] = []
  const delays = monitorEventLoopDelay({ resolution: 10 })
  const startMs = systemClock.monotonicMs()
  const elapsed = (): number => (systemClock.monotonicMs() - startMs) / 1000
  const peak = peakOf(stages)
  const plateau = { requests: 0, seconds: 0 }
  let ended: Outcome['ended'] = 'whole'
  let last = { atSeconds: 0, requests: 0, users: 0 }
  await watch.begin()
  delays.enable()

  function setUsers(wanted: number): void {
    while (users.length < wanted) {
      const user = new User(open(), tally, scenario)
      users.push(user)
      work.push(user.live(scenario.user(catalogue, Math.random)))
    }
    users.splice(wanted).forEach((user) => user.leave())
  }

  function tell(): void {
    const atSeconds = elapsed()
    const seconds = atSeconds - last.atSeconds
    const requests = tally.requests - last.requests
    if (users.length === peak && last.users === peak) {
      plateau.requests += requests
      plateau.seconds += seconds
    }
    last = { atSeconds, requests: tally.requests, users: users.length }
    void watch.look()
    onSecond({
      atSeconds,
      ofSeconds: secondsOf(stages),
      users: users.length,
      requestsPerSecond: requests / seconds,
      tally,
    })
  }

  while (elapsed() < secondsOf(stages) && ended === 'whole') {
    setUsers(usersAt(stages, elapsed()))
    if (elapsed() - last.atSeconds >= 1) {
      tell()
      const isHopeless =
        tally.requests >= abortAt.requestsMin && tally.errorRatio > abortAt.errorRatio
      ended = isHopeless ? 'aborted' : ended
    }
    await systemClock.sleep(stepMs, signal).catch(() => (ended = 'interrupted'))
  }
  const seconds = elapsed()
  delays.disable()
  setUsers(0)
  await Promise.all(work)
  const seen = await watch.end(tally.requests)
  const toolDelayMs = Math.max(0, delays.percentile(99) / 1e6 - 10)
  const rate = plateau.seconds > 0 ? plateau.requests / plateau.seconds : tally.requests / seconds
  const counted = { users: peak, seconds, requests: tally.requests, requestsPerSecond: rate }
  return { figures: { ...counted, ...countsOf(tally), ...seen, toolDelayMs }, ended }
}

function countsOf(tally: Tally) {
  const looked = tally.count('cache-hit') + tally.count('cache-miss')
  const limited = tally.count('limit-told') + tally.count('limit-not-told')
  return {
    ...tally.latencies,
    errorRatio: tally.errorRatio,
    serverErrors: tally.count('server-error'),
    errors: tally.errors,
    ...(looked > 0 && { hitRatio: tally.count('cache-hit') / looked }),
    ...(limited > 0 && {
      blocked: tally.count('blocked'),
      blockedWrongly: tally.count('blocked-wrongly'),
      limitNotTold: tally.count('limit-not-told'),
    }),
  }
}

class User {
  readonly #connection: Connection
  readonly #tally: Tally
  readonly #scenario: Scenario
  readonly #gone = new AbortController()

  constructor(connection: Connection, tally: Tally, scenario: Scenario) {
    this.#connection = connection
    this.#tally = tally
    this.#scenario = scenario
  }

  /** Until it leaves. The last answer is waited for, and counted. */
  async live(session: Generator<Step, never, Answer>): Promise<void> {
    const { signal } = this.#gone
    let next = session.next()
    while (!signal.aborted) {
      const step = next.value
      if ('pauseMs' in step) {
        await systemClock.sleep(step.pauseMs, signal).catch(() => undefined)
        next = session.next(nothingAsked)
      } else {
        const sentMs = systemClock.monotonicMs()
        const answer = await this.#connection.send(step)
        const ms = systemClock.monotonicMs() - sentMs
        this.#tally.add(answer, ms, this.#scenario.judge(answer))
        if (answer.status === 0) {
          // Who is refused does not knock without a pause.
          await systemClock.sleep(100, signal).catch(() => undefined)
        }
        next = session.next(answer)
      }
    }
    this.#connection.close()
  }

  leave(): void {
    this.#gone.abort()
  }
}

const nothingAsked: Answer = { status: 0, header: () => undefined, body: '' }

/** Takes steps until there is a result. */
async function follow<T>(steps: Generator<Step, T, Answer>, send: Connection['send']): Promise<T> {
  let next = steps.next()
  while (next.done !== true) {
    const step = next.value
    next = steps.next('path' in step ? await send(step) : nothingAsked)
  }
  return next.value
}
