import { audit } from './procedures/audit.ts'
import { cache } from './procedures/cache.ts'
import { content } from './procedures/content.ts'
import { flags } from './procedures/flags.ts'
import { fx } from './procedures/fx.ts'
import { health } from './procedures/health.ts'
import { indexes } from './procedures/indexes.ts'
import { jobs } from './procedures/jobs.ts'
import { keys } from './procedures/keys.ts'
import { live } from './procedures/live.ts'
import { metrics } from './procedures/metrics.ts'
import { recommendations } from './procedures/recommendations.ts'
import { reports } from './procedures/reports.ts'
import { router } from './trpc.ts'

/** Every procedure of the admin process. */
export const adminRouter = router({
  audit,
  cache,
  content,
  flags,
  fx,
  health,
  indexes,
  jobs,
  keys,
  live,
  metrics,
  recommendations,
  reports,
})

/** What a client is typed by. */
export type AdminRouter = typeof adminRouter
