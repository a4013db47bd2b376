import { cpuUsage, memoryUsage } from 'node:process'
import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Lifecycle } from '../lifecycle.ts'
import type { Metrics } from './metrics.ts'

/** How the process itself is doing. */
export type Runtime = {
  /** Begins a new window for what is measured over time. The one before is still told of, so that who asks right after the
   *  change misses nothing. */
  turn(): void
}

const resolutionMs = 20
const nanosecondsPerSecond = 1e9

type Window = {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly utilization: number
}

const nothing: Window = { p50: 0, p99: 0, max: 0, utilization: 0 }

/** Measures the event loop, memory and processor time. Ends with the lifecycle. */
export function measureRuntime(
  metrics: Metrics,
  {
    lifecycle,
    version,
  }: { readonly lifecycle: Pick<Lifecycle, 'defer'>; readonly version: string },
): Runtime {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  lifecycle.defer('event loop figures', async () => void delay.disable())
  let since: EventLoopUtilization = performance.eventLoopUtilization()
  let before = nothing

  function current(): Window {
    const secondsOf = (nanoseconds: number): number =>
      Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMs / 1_000)
    const { utilization } = performance.eventLoopUtilization(since)
    return delay.count === 0
      ? { ...nothing, utilization }
      : {
          p50: secondsOf(delay.percentile(50)),
          p99: secondsOf(delay.percentile(99)),
          max: secondsOf(delay.max),
          utilization,
        }
  }

  const worst = (name: keyof Window) => () => [
    { labels: {}, value: Math.max(before[name], current()[name]) },
  ]
  for (const name of ['p50', 'p99', 'max'] as const) {
    const described = `Delay of the event loop (${name}) in the last 15 to 30 seconds`
    metrics.gauge(
      { name: `nodejs.eventloop.delay.${name}`, unit: 's', description: described },
      worst(name),
    )
  }
  metrics.gauge(
    {
      name: 'nodejs.eventloop.utilization',
      unit: '1',
      description:
        'Share of the time in which the event loop was busy, in the last 15 to 30 seconds',
    },
    worst('utilization'),
  )
  measureMemory(metrics)
  metrics.gauge(
    {
      name: 'process.start.time',
      unit: 's',
      description: 'When the process began, in seconds since 1970',
    },
    () => [{ labels: {}, value: performance.timeOrigin / 1_000 }],
  )
  metrics.gauge(
    { name: 'app.build.info', unit: '', description: 'Always 1; the label says what runs' },
    () => [{ labels: { version }, value: 1 }],
  )
  return {
    turn() {
      before = current()
      delay.reset()
      since = performance.eventLoopUtilization()
    },
  }
}

function measureMemory(metrics: Metrics): void {
  metrics.gauge(
    { name: 'process.memory.usage', unit: 'By', description: 'Resident memory of the process' },
    () => [{ labels: {}, value: memoryUsage.rss() }],
  )
  metrics.gauge(
    { name: 'nodejs.heap.usage', unit: 'By', description: 'Heap in use, and its limit' },
    () => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      return [
        { labels: { kind: 'used' }, value: used },
        { labels: { kind: 'limit' }, value: limit },
      ]
    },
  )
  metrics.counter(
    { name: 'process.cpu.time', unit: 's', description: 'Processor time of the process' },
    () => {
      const { user, system } = cpuUsage()
      return [
        { labels: { 'cpu.mode': 'user' }, value: user / 1e6 },
        { labels: { 'cpu.mode': 'system' }, value: system / 1e6 },
      ]
    },
  )
}
