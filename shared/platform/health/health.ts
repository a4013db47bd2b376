import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../clock.ts'
import { createProbe, type Check, type Checked } from './check.ts'
import { reportDatabase, type DatabaseHealth } from './database-health.ts'
import { reportDetails, type Inside } from './details.ts'
import {
  reportHealth,
  type DetailedHealthReport,
  type HealthReport,
  type Memory,
} from './report.ts'

/** Where a process is in its life. Only `ready` takes traffic; `draining` finishes what it has. */
export type Phase = 'starting' | 'ready' | 'draining'

/** Nothing is asked more often than once in `maxAgeMs`, nor twice at a time: asking often costs nothing more. An answer is at most
 *  twice as old. */
export type Health = {
  /** What monitors ask every few seconds. */
  report(): Promise<HealthReport>
  /** The same with everything that operators want to know; within half a second, whatever does not answer. */
  detailed(): Promise<DetailedHealthReport>
  /** The database by itself; undefined in a process that was given no view of one. */
  database(): Promise<DatabaseHealth | undefined>
  phase(): Phase
  enter(phase: Phase): void
}

export type HealthOptions = {
  readonly version: string
  /** Asked for every report; one of them is called `database`. */
  readonly checks: readonly Check[]
  /** Asked for the detailed report only. */
  readonly details?: readonly Check[]
  /** What needs no asking. */
  readonly inside?: Inside
  readonly maxAgeMs?: number
  /** Replaced in tests. */
  readonly memory?: () => Memory
}

/** Answers for a process's health. Its first phase is `starting`. */
export function createHealth(
  { version, checks, details = [], inside = {}, maxAgeMs = 1000, memory = heap }: HealthOptions,
  { clock }: { readonly clock: Clock },
): Health {
  const startedMs = clock.monotonicMs()
  let phase: Phase = 'starting'

  /** A report is made beside those who ask: otherwise all who come while something is frozen would wait for its budget. */
  const kept = <T>(ask: () => Promise<T>): (() => Promise<T>) =>
    keepFor({ maxAgeMs, staleMaxMs: 2 * maxAgeMs }, clock, ask)
  const askAll = (asked: readonly Check[]): (() => Promise<readonly Checked[]>) => {
    const probes = asked.map((check) => createProbe(check, clock))
    const ask = (): Promise<readonly Checked[]> => Promise.all(probes.map((probe) => probe()))
    return keepFor({ maxAgeMs, staleMaxMs: 0 }, clock, ask)
  }
  const round = askAll(checks)
  const detailRound = askAll(details)
  const build = (checked: readonly Checked[]): HealthReport => {
    const uptimeSeconds = (clock.monotonicMs() - startedMs) / 1000
    return reportHealth({ checked, memory: memory(), at: clock.now(), uptimeSeconds, version })
  }

  return {
    report: kept(async () => build(await round())),
    detailed: kept(async () => {
      const [basic, more] = await Promise.all([round(), detailRound()])
      return reportDetails([...basic, ...more], inside, build)
    }),
    database: kept(async () => {
      const asked = (await round()).find(({ name }) => name === 'database')
      const view = inside.database?.()
      return asked && view && reportDatabase(asked, view, clock.now())
    }),
    phase: () => phase,
    enter(next) {
      phase = phase === 'draining' ? phase : next
    },
  }
}

/** Asks again only when the last asking began `maxAgeMs` ago; whoever comes meanwhile shares it, or is given the answer before
 *  as long as that is not older than `staleMaxMs`. */
function keepFor<T>(
  { maxAgeMs, staleMaxMs }: { readonly maxAgeMs: number; readonly staleMaxMs: number },
  clock: Pick<Clock, 'monotonicMs'>,
  ask: () => Promise<T>,
): () => Promise<T> {
  type Asked = { readonly answer: Promise<T>; readonly sinceMs: number }
  let latest: Asked | undefined
  let answered: Asked | undefined
  return () => {
    const nowMs = clock.monotonicMs()
    if (!latest || nowMs - latest.sinceMs >= maxAgeMs) {
      const asked = { answer: ask(), sinceMs: nowMs }
      latest = asked
      asked.answer.then(
        () => (answered = asked),
        () => undefined,
      )
    }
    return answered && nowMs - answered.sinceMs < staleMaxMs ? answered.answer : latest.answer
  }
}

/** Against the limit at which Node gives up, not against what it has reserved so far, which is nearly always full. */
function heap(): Memory {
  const { used_heap_size: usedBytes, heap_size_limit: totalBytes } = getHeapStatistics()
  return { usedBytes, totalBytes }
}
