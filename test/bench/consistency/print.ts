import type { Counts } from './checking.ts'
import type { Delay } from './delays.ts'
import type { Report, RunOptions } from './run.ts'
import { processesCount } from './universe.ts'

const printedMax = 10
/** After a fault some things are slow for a while. */
const recoveryMs = 2_000

/** What a run came to. */
export function printReport({ seed, without }: RunOptions, report: Report): void {
  const { results, violations, seconds } = report
  const sum = (read: (counts: Counts) => number): string =>
    results.reduce((total, { counts }) => total + read(counts), 0).toLocaleString('en')
  const writes = (name: 'acknowledged' | 'rolledBack' | 'unknown'): string =>
    results.reduce((total, one) => total + one.writes[name], 0).toLocaleString('en')
  const counter = (name: string): number =>
    results.reduce((total, { cache }) => total + (cache[name] ?? 0), 0)
  console.log(
    `seed ${seed}, ${processesCount} processes, ${seconds.toFixed(0)} s${without.length > 0 ? `, without ${without.join(', ')}` : ''}`,
  )
  print(
    'reads checked',
    sum(({ reads }) => reads),
  )
  print(
    '  contested: written within 50 ms before, or a fill across',
    sum((one) => one.contested),
  )
  print(
    '  with a token',
    sum((one) => one.withToken),
  )
  print(
    '  from memory',
    sum((one) => one.hits - one.redisHits),
  )
  print(
    '  from Redis',
    sum((one) => one.redisHits),
  )
  print(
    '  filled',
    sum((one) => one.misses),
  )
  print(
    '  flagged unconfirmed: the bound does not hold for them',
    sum((one) => one.unconfirmed),
  )
  print(
    '  flagged source-down: nothing is promised',
    sum((one) => one.sourceDown),
  )
  print(
    '  judged again later',
    sum((one) => one.deferred),
  )
  print(
    'reads that failed',
    sum((one) => one.failed),
  )
  print('writes acknowledged', writes('acknowledged'))
  print('  rolled back', writes('rolledBack'))
  print('  outcome unknown', writes('unknown'))
  print('acknowledged without having been seen', String(counter('acknowledge-failed')))
  print('caches that began anew', String(counter('reset')))
  for (const [name, times] of Map.groupBy(report.faults, (one) => one.name)) {
    print(`fault: ${name}`, String(times.length))
  }
  printDelays(report)
  print(
    'violations',
    sum((one) => one.violations),
  )
  violations.slice(0, printedMax).forEach((one) => console.log(JSON.stringify({ seed, ...one })))
}

/** From the acknowledgement in another process to the first read that saw the write, without a token. */
function printDelays({ results, faults }: Report): void {
  const delays = results.flatMap((one) => one.delays)
  const isFaulty = ({ atMs, ms }: Delay): boolean =>
    faults.some((one) => atMs + ms > one.beganAtMs && atMs < one.endedAtMs + recoveryMs)
  const groups: readonly (readonly [string, (delay: Delay) => boolean])[] = [
    ['written through the cache, no fault', (one) => !one.isForeign && !isFaulty(one)],
    ['written past it, no fault', (one) => one.isForeign && !isFaulty(one)],
    ['written through the cache, during faults', (one) => !one.isForeign && isFaulty(one)],
    ['written past it, during faults', (one) => one.isForeign && isFaulty(one)],
  ]
  for (const [name, isMeant] of groups) {
    const sorted = delays
      .filter(isMeant)
      .map(({ ms }) => ms)
      .toSorted((one, other) => one - other)
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1)
    print(
      `delay, ${name}`,
      `${sorted.length} times: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
    )
  }
}

const print = (name: string, value: string): void => console.log(`${name.padEnd(58)} ${value}`)
