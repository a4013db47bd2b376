import { z } from 'zod'
import { requireOrganisation } from '#members'
import { flagNames, flags as known, listRules, setRule } from '#platform/flags/flags'
import { adminProcedure, router } from '../trpc.ts'

const rulesMax = 1_000
const name = z.enum(flagNames)
/** Of that organisation; left out, of all. */
const organisationId = z.uuid().exactOptional()

/** Parts of the product that are switched while it runs. */
export const flags = router({
  /** Every flag with its rules. Without a rule it is on. */
  list: adminProcedure.query(async ({ ctx }) => {
    const rules = await listRules(ctx.slice.db, rulesMax)
    return flagNames.map((flag) => ({
      name: flag,
      switches: known[flag],
      rules: rules.flatMap(({ name: of, ...rule }) => (of === flag ? [rule] : [])),
    }))
  }),

  /** Switches it on for a share of organisations, always the same ones; or on (100) or off (0) for one of them. */
  set: adminProcedure
    .input(
      z
        .strictObject({ name, organisationId, percentage: z.int().min(0).max(100) })
        .refine((rule) => rule.organisationId === undefined || [0, 100].includes(rule.percentage), {
          path: ['percentage'],
          error: 'of one organisation it is 0 or 100',
        }),
    )
    .mutation(({ ctx, input }) =>
      ctx.audit.change(async (tx) => {
        if (input.organisationId !== undefined) {
          await requireOrganisation(tx, input.organisationId)
        }
        const rule = { ...input, organisationId: input.organisationId }
        const before = await setRule(tx, { ...rule, updatedBy: ctx.admin.tokenId })
        ctx.audit.note({
          organisationId: input.organisationId,
          before: { percentage: before ?? null },
          after: { percentage: input.percentage },
        })
        return { name: input.name, percentage: input.percentage }
      }),
    ),

  /** Removes a rule: of an organisation, which then has its share like the others; or of all, for which it then is on. */
  unset: adminProcedure.input(z.strictObject({ name, organisationId })).mutation(({ ctx, input }) =>
    ctx.audit.change(async (tx) => {
      const rule = { name: input.name, organisationId: input.organisationId, percentage: undefined }
      const before = await setRule(tx, { ...rule, updatedBy: ctx.admin.tokenId })
      ctx.audit.note({
        organisationId: before === undefined ? undefined : input.organisationId,
        before: { percentage: before ?? null },
        after: { percentage: null },
      })
      return { name: input.name, wasSet: before !== undefined }
    }),
  ),
})
