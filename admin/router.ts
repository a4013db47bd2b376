import { cache } from './procedures/cache.ts'
import { content } from './procedures/content.ts'
import { fx } from './procedures/fx.ts'
import { health } from './procedures/health.ts'
import { jobs } from './procedures/jobs.ts'
import { metrics } from './procedures/metrics.ts'
import { recommendations } from './procedures/recommendations.ts'
import { reports } from './procedures/reports.ts'
import { router } from './trpc.ts'

/** Every procedure of the admin process. */
export const adminRouter = router({
  cache,
  content,
  fx,
  health,
  jobs,
  metrics,
  recommendations,
  reports,
})

/** What a client is typed by. */
export type AdminRouter = typeof adminRouter
