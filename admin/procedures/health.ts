import { askFigures, askReset } from '#platform/cache/ask-caches'
import {
  circuitFigures,
  describeCircuits,
  resetCircuit,
} from '#platform/resilience/operate-circuits'
import { z } from 'zod'
import { adminProcedure, router, type AdminSlice } from '../trpc.ts'

/** How the admin process and what it talks to are doing, and the circuits of all processes that can be asked. */
export const health = router({
  /** What `/health` says. */
  summary: adminProcedure.query(({ ctx }) => ctx.slice.health.report()),

  /** What `/health/detailed` says: rates, books, events and the workers as well. */
  detailed: adminProcedure.query(({ ctx }) => ctx.slice.health.detailed()),

  /** What `/health/database` says; null where this process has no view of its pool. */
  database: adminProcedure.query(async ({ ctx }) => (await ctx.slice.health.database()) ?? null),

  /** The circuits of this process (`own`) and of every API process that answers within half a second. */
  breakers: adminProcedure.query(async ({ ctx: { slice } }) => {
    const asked = { about: 'circuits' } as const
    const { known, answered, answers } = await askFigures(slice, asked, z.array(circuitFigures))
    return {
      known,
      answered,
      own: describeCircuits(slice.circuits),
      processes: answers.map(({ process, answer }) => ({ process, breakers: answer })),
    }
  }),

  /** Closes a circuit here and in every API process, so that calls are let through at once; what still fails opens it again.
   *  `before` is the state that it was in. A worker keeps its own counsel: nobody can ask it. */
  resetBreaker: adminProcedure
    .input(z.strictObject({ name: z.string().regex(/^[a-z][\da-z-]{0,63}$/) }))
    .mutation(async ({ ctx: { slice, admin }, input: { name } }) => {
      const { known, answered, answers } = await askReset(slice, name)
      const processes = answers.map(({ process, answer }) => ({ process, ...answer }))
      const own = resetOwn(slice, name, processes.length > 0)
      slice.log.info({ adminTokenId: admin.tokenId, circuit: name }, 'circuit closed on request')
      return { known, answered, ...(own && { own }), processes }
    }),
})

/** @throws {Problem} platform/circuit-unknown when no other process has it either */
function resetOwn({ circuits }: AdminSlice, name: string, isKnownElsewhere: boolean) {
  return isKnownElsewhere && !circuits.has(name) ? undefined : resetCircuit(circuits, name)
}
