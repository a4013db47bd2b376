import { loadavg } from 'node:os'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { ProcessFigures } from './figures.ts'

/** What the process itself has used; only a main file may name it. */
export type ProcessUsage = () => {
  readonly residentBytes: number
  /** Of all its threads, since it began. */
  readonly cpuSeconds: number
}

/** How often the loop is looked at; a delay shorter than this is not seen. */
const resolutionMs = 20

/** Begins to watch the process, and ends with the lifecycle. What is returned says how it was since it was last asked.
 *  @param usage left out, resident memory and processor time are not known */
export function watchRuntime(
  { clock, lifecycle }: { readonly clock: Clock; readonly lifecycle: Pick<Lifecycle, 'defer'> },
  usage?: ProcessUsage,
): () => ProcessFigures {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  lifecycle.defer('event loop figures', async () => void delays.disable())
  let before = {
    loop: performance.eventLoopUtilization(),
    used: usage?.(),
    atMs: clock.monotonicMs(),
  }

  return () => {
    const now = {
      loop: performance.eventLoopUtilization(),
      used: usage?.(),
      atMs: clock.monotonicMs(),
    }
    const seconds = (now.atMs - before.atMs) / 1000
    const spent = (now.used?.cpuSeconds ?? 0) - (before.used?.cpuSeconds ?? 0)
    const { utilization } = performance.eventLoopUtilization(now.loop, before.loop)
    // what it measures is from one look to the next, and has the pause between them in it
    const p99 = delays.count > 0 ? Math.max(0, delays.percentile(99) / 1e6 - resolutionMs) : 0
    before = now
    delays.reset()
    return {
      ...(now.used && {
        cpu: rounded(seconds > 0 ? spent / seconds : 0),
        rss: now.used.residentBytes,
      }),
      loadavg: loadavg(),
      eventLoop: { p99: rounded(p99), utilization: rounded(utilization) },
    }
  }
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000
