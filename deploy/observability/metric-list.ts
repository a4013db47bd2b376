import { readFileSync } from 'node:fs'
import { z } from 'zod'

const listedMetric = z.strictObject({
  /** As Prometheus keeps it; a histogram without its suffixes. */
  name: z.string(),
  kind: z.enum(['counter', 'gauge', 'histogram']),
  help: z.string(),
  labels: z.array(z.string()),
  /** The processes that have it. */
  jobs: z.array(z.enum(['api', 'worker', 'admin'])),
})
export type ListedMetric = z.infer<typeof listedMetric>

/** Every metric that a process of the product exposes, as metric-list.test.ts found them on the three. */
export const metricList: readonly ListedMetric[] = z
  .array(listedMetric)
  .parse(JSON.parse(readFileSync(new URL('metrics.json', import.meta.url), 'utf8')))
