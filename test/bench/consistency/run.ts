import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { pruneChangeLog } from '../../../shared/platform/cache/prune.ts'
import { openBusiness } from '../../support/business.ts'
import { machineMs } from '../machine-clock.ts'
import type { Counts, Violation } from './checking.ts'
import { createDice, type Dice } from './dice.ts'
import { faults, followerName, type FaultName, type World } from './faults.ts'
import type { FromProcess, Result, Setup, ToProcess } from './messages.ts'
import type { SafeguardName } from './safeguards.ts'
import { processesCount } from './universe.ts'

export type RunOptions = {
  readonly seed: number
  /** Ends when so many reads were checked and every fault has been on, or when the time is up. */
  readonly reads: number
  readonly seconds: number
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  /** One after another, in an order of the seed's, again and again. */
  readonly faults: readonly FaultName[]
  /** Between two of them. */
  readonly calmMs: number
  readonly without: readonly SafeguardName[]
  /** Ends with the first violation. */
  readonly isFirstEnough: boolean
}

/** On the clock of the machine. */
export type FaultRun = {
  readonly name: FaultName
  readonly beganAtMs: number
  readonly endedAtMs: number
}

export type Report = {
  /** Some of them. */
  readonly violations: readonly Violation[]
  /** Reads of all processes until the first violation was told. */
  readonly readsUntilFirst: number | undefined
  readonly results: readonly Result[]
  readonly faults: readonly FaultRun[]
  readonly seconds: number
}

type Grounds = Pick<World, 'url' | 'redisUrl' | 'servers'> & {
  readonly organisationIds: readonly string[]
}

/** So long readers go on after the last write. */
const afterMs = 1_500

/** Starts the processes, lets the faults loose, and waits for what the processes found. */
export async function run(options: RunOptions, grounds: Grounds): Promise<Report> {
  const ensemble = new Ensemble(options, grounds)
  try {
    return await ensemble.perform()
  } finally {
    ensemble.kill()
  }
}

class Ensemble {
  readonly #options: RunOptions
  readonly #grounds: Grounds
  readonly #children: readonly ChildProcess[]
  readonly #ready = Array.from({ length: processesCount }, () => Promise.withResolvers<void>())
  readonly #results = Array.from({ length: processesCount }, () => Promise.withResolvers<Result>())
  readonly #counts = new Map<number, Counts>()
  readonly #violations: Violation[] = []
  readonly #faultsRun: FaultRun[] = []
  readonly #over = new AbortController()
  #readsUntilFirst: number | undefined

  constructor(options: RunOptions, grounds: Grounds) {
    this.#options = options
    this.#grounds = grounds
    this.#children = Array.from({ length: processesCount }, (_, self) => this.#start(self))
  }

  async perform(): Promise<Report> {
    const { faults: names, seconds } = this.#options
    await Promise.all(this.#ready.map(({ promise }) => promise))
    this.#broadcast({ kind: 'begin' })
    const beganAtMs = performance.now()
    const pruning = this.#prune()
    const troubles = this.#trouble()
    const untilMs = beganAtMs + seconds * 1_000
    while (performance.now() < untilMs && !this.#isEnough(names)) {
      await delay(20)
    }
    const elapsedMs = performance.now() - beganAtMs
    this.#over.abort()
    await Promise.all([troubles, pruning])
    return {
      results: this.#isCaught() ? [] : await this.#end(),
      violations: this.#violations,
      readsUntilFirst: this.#readsUntilFirst,
      faults: this.#faultsRun,
      seconds: elapsedMs / 1_000,
    }
  }

  kill(): void {
    for (const child of this.#children.filter(({ exitCode }) => exitCode === null)) {
      child.kill('SIGKILL')
    }
  }

  /** The readers go on for a while after the last write. */
  async #end(): Promise<readonly Result[]> {
    this.#broadcast({ kind: 'end', of: 'writes' })
    await delay(afterMs)
    this.#broadcast({ kind: 'end', of: 'reads' })
    return Promise.all(this.#results.map(({ promise }) => promise))
  }

  /** Whether the rest is of no interest. */
  #isCaught(): boolean {
    return this.#options.isFirstEnough && this.#violations.length > 0
  }

  #isEnough(names: readonly FaultName[]): boolean {
    const isThrough = names.every((name) => this.#faultsRun.some((one) => one.name === name))
    const isRead = this.#reads() >= this.#options.reads
    return this.#isCaught() || (isRead && (isThrough || this.#options.isFirstEnough))
  }

  #reads(): number {
    return [...this.#counts.values()].reduce((sum, { reads }) => sum + reads, 0)
  }

  #start(self: number): ChildProcess {
    const { seed, readsPerSecond, writesPerSecond, without } = this.#options
    const { url, redisUrl, organisationIds } = this.#grounds
    const setup: Setup = {
      self,
      seed,
      organisationIds,
      place: {
        url,
        redisUrl,
        // the last one has room for part of the answers only
        memoryBytesMax: self === processesCount - 1 ? 120_000 : 16_777_216,
        followerName: followerName(self),
      },
      readsPerSecond: readsPerSecond / processesCount,
      writesPerSecond: writesPerSecond / processesCount,
      without,
    }
    const child = fork(new URL('process.ts', import.meta.url), {
      serialization: 'advanced',
      env: { ...process.env, BENCH_SETUP: JSON.stringify(setup) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.on('message', (message: FromProcess) => this.#heard(self, message))
    void once(child, 'exit').then(([code]) => {
      const error = new Error(`a process of the checker ended with ${String(code)}`)
      this.#ready[self]?.reject(error)
      this.#results[self]?.reject(error)
    })
    this.#results[self]?.promise.catch(() => undefined) // awaited later
    return child
  }

  #heard(self: number, message: FromProcess): void {
    if (message.kind === 'ready') {
      this.#ready[self]?.resolve()
    } else if (message.kind === 'news') {
      this.#broadcast(message, self)
    } else if (message.kind === 'token') {
      this.#children[message.token.to]?.send(message)
    } else if (message.kind === 'progress') {
      this.#counts.set(self, message.counts)
    } else if (message.kind === 'violation') {
      this.#violated(message.violation)
    } else if (message.kind === 'result') {
      this.#results[self]?.resolve(message.result)
    } else {
      this.#results[self]?.reject(new Error(message.error))
      this.#ready[self]?.reject(new Error(message.error))
      this.#over.abort()
    }
  }

  #violated(violation: Violation): void {
    const known = this.#counts.get(violation.process)?.reads ?? 0
    this.#readsUntilFirst ??= this.#reads() + Math.max(0, violation.reads - known)
    this.#violations.push(violation)
  }

  #broadcast(message: ToProcess, except?: number): void {
    this.#children.forEach((child, index) => {
      if (index !== except && child.connected) {
        child.send(message, () => undefined) // one that has ended needs it no more
      }
    })
  }

  /** Much sooner than the product does: what a process has not seen in time is gone. */
  async #prune(): Promise<void> {
    const { url } = this.#grounds
    const { db, lifecycle } = await openBusiness({ url, connectionsMax: 1 })
    while (!this.#over.signal.aborted) {
      await delay(700)
      await pruneChangeLog(db, { retentionSeconds: 1 }).catch(() => undefined) // the database may be away
    }
    await lifecycle.stop()
  }

  /** One fault after another. */
  async #trouble(): Promise<void> {
    const { faults: names, calmMs, seed } = this.#options
    const dice = createDice(seed * 41)
    const world: World = {
      ...this.#grounds,
      pids: this.#children.map(({ pid = 0 }) => pid),
      dice,
      setQuiet: (isQuiet, indexes) =>
        indexes.forEach((index) => this.#children[index]?.send({ kind: 'quiet', isQuiet })),
    }
    const isOver = (): boolean => this.#over.signal.aborted
    while (names.length > 0 && !isOver()) {
      for (const name of shuffled(names, dice)) {
        await delay(calmMs, undefined, { signal: this.#over.signal }).catch(() => undefined)
        if (isOver()) {
          return
        }
        const beganAtMs = machineMs()
        await faults[name].run(world)
        this.#faultsRun.push({ name, beganAtMs, endedAtMs: machineMs() })
      }
    }
  }
}

function shuffled<T>(list: readonly T[], dice: Dice): readonly T[] {
  const mixedUp = [...list]
  return list.map(() => mixedUp.splice(dice.below(mixedUp.length), 1)).flat()
}
