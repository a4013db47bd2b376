import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../clock.ts'
import { createProbe, type Check } from './check.ts'
import { reportHealth, type HealthReport, type Memory } from './report.ts'

/** Where a process is in its life. Only `ready` takes traffic; `draining` finishes what it has. */
export type Phase = 'starting' | 'ready' | 'draining'

export type Health = {
  /** At most as old as `maxAgeMs`, and one round of checks at a time: asking often costs nothing more. */
  report(): Promise<HealthReport>
  phase(): Phase
  enter(phase: Phase): void
}

export type HealthOptions = {
  readonly version: string
  readonly checks: readonly Check[]
  readonly maxAgeMs?: number
  /** Replaced in tests. */
  readonly memory?: () => Memory
}

/** Answers for a process's health. Its first phase is `starting`. */
export function createHealth(
  { version, checks, maxAgeMs = 1000, memory = heap }: HealthOptions,
  { clock }: { readonly clock: Clock },
): Health {
  const probes = checks.map((check) => createProbe(check, clock))
  const startedMs = clock.monotonicMs()
  let phase: Phase = 'starting'
  let latest: { readonly report: Promise<HealthReport>; readonly sinceMs: number } | undefined

  async function ask(): Promise<HealthReport> {
    const checked = await Promise.all(probes.map((probe) => probe()))
    const uptimeSeconds = (clock.monotonicMs() - startedMs) / 1000
    return reportHealth({ checked, memory: memory(), at: clock.now(), uptimeSeconds, version })
  }

  return {
    report() {
      const nowMs = clock.monotonicMs()
      if (!latest || nowMs - latest.sinceMs >= maxAgeMs) {
        latest = { report: ask(), sinceMs: nowMs }
      }
      return latest.report
    },
    phase: () => phase,
    enter(next) {
      phase = phase === 'draining' ? phase : next
    },
  }
}

/** Against the limit at which Node gives up, not against what it has reserved so far, which is nearly always full. */
function heap(): Memory {
  const { used_heap_size: usedBytes, heap_size_limit: totalBytes } = getHeapStatistics()
  return { usedBytes, totalBytes }
}
