import { adminProcedure, router } from '../trpc.ts'

/** How the process and what it talks to are doing. */
export const health = router({
  summary: adminProcedure.query(({ ctx }) => ctx.slice.health.report()),
})
