import type { Series } from './alert-examples.ts'

/** The share of requests that broke the promise in each of these hours, one after the other. */
type Hours = readonly (readonly [hours: number, share: number])[]

type BurnExample = { readonly quiet: readonly Hours[]; readonly loud: Hours }

/** Above the limit of the long window, and quiet lately: the trouble is over, and the alert with it. */
const over = (before: number, share: number, quietHours: number): Hours => [
  [before, share],
  [quietHours, 0],
]

/** Above the limit of the short window alone: a burst that the budget has room for. */
const burst = (before: number, hours: number, share: number): Hours => [
  [before, 0],
  [hours, share],
]

/** By factor of the burn rate: 14.4, 6, 1, for a promise that allows so much. */
const burnsOf = (allowed: number): readonly BurnExample[] => [
  {
    quiet: [[[2, 14.39 * allowed]], over(2, 30 * allowed, 0.25), burst(2, 0.25, 30 * allowed)],
    loud: [[2, 14.41 * allowed]],
  },
  {
    quiet: [[[12, 5.99 * allowed]], over(12, 12 * allowed, 1), burst(12, 0.75, 12 * allowed)],
    loud: [[12, 6.01 * allowed]],
  },
  {
    quiet: [[[78, 0.999 * allowed]], over(78, 3 * allowed, 7), burst(78, 7, 3 * allowed)],
    loud: [[78, 1.001 * allowed]],
  },
]

const names = ['Fast', 'Medium', 'Slow']

export const burnExamples: Readonly<Record<string, BurnExample>> = Object.fromEntries([
  ...burnsOf(0.001).map((example, index) => [`AvailabilityBurn${names[index]}`, example]),
  ...burnsOf(0.01).map((example, index) => [`LatencyBurn${names[index]}`, example]),
])

export const hoursOf = (hours: Hours): number => hours.reduce((sum, [count]) => sum + count, 0)

/** Counts of requests that break one of the promises, a million a minute in all. */
export function seriesOf(name: string, hours: Hours): readonly Series[] {
  const isErrors = name.startsWith('Availability')
  const of = 'job="api",http_request_method="GET",http_route="/api/v2/products"'
  const metric = 'http_server_request_duration_seconds'
  const broken = grown(hours.map(([count, share]) => [count, 1e6 * share]))
  const kept = grown(hours.map(([count, share]) => [count, 1e6 * (1 - share)]))
  const all = grown(hours.map(([count]) => [count, 1e6]))
  return isErrors
    ? [
        [`${metric}_count{${of},http_response_status_code="500"}`, broken],
        [`${metric}_count{${of},http_response_status_code="200"}`, kept],
        [`${metric}_bucket{${of},http_response_status_code="200",le="0.5"}`, all],
      ]
    : [
        [`${metric}_count{${of},http_response_status_code="200"}`, all],
        [`${metric}_bucket{${of},http_response_status_code="200",le="0.5"}`, kept],
      ]
}

/** A counter that grows by so much each minute, for so many hours each. */
function grown(parts: readonly (readonly [hours: number, each: number])[]): string {
  let value = 0
  return parts
    .map(([hours, each]) => {
      const step = Math.round(each)
      const count = hours * 60 - 1
      const text = `${value}+${step}x${count}`
      value += step * (count + 1)
      return text
    })
    .join(' ')
}
