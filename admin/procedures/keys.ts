import { z } from 'zod'
import {
  adminRoles,
  createApiKey,
  issueAdminToken,
  listAdminTokens,
  listApiKeys,
  problems,
  newApiKeySchema,
  requireOrganisation,
  revokeAdminToken,
  revokeApiKey,
  scopes,
} from '#members'
import { instantInput } from '#platform/instant-input'
import { Problem } from '#platform/problem'
import { adminProcedure, router } from '../trpc.ts'

const page = { before: z.uuid().exactOptional(), limit: z.int().min(1).max(100).default(20) }
/** A week: long enough for any deployment, and a forgotten key dies. */
const overlapSeconds = z
  .int()
  .min(0)
  .max(7 * 24 * 3600)
  .default(0)
const name = z.string().trim().min(1).max(100)

/** Who may do what is changed by admins alone, and the text of a credential is in one answer only. */
const byAdmins = adminProcedure.meta({ role: 'admin', secrets: ['text'] })

/** Tokens of operators, and keys of organisations. */
export const keys = router({
  /** Tokens of operators, the newest first, also those that have ended. */
  adminTokens: adminProcedure
    .input(z.strictObject(page).prefault({}))
    .query(async ({ ctx, input }) => ({ tokens: await listAdminTokens(ctx.slice.db, input) })),

  /** Gives an operator a token. `text` is stored nowhere: when the call is repeated by its key, it is null. */
  issueAdminToken: byAdmins
    .input(
      z.strictObject({ name, role: z.enum(adminRoles), expiresAt: instantInput.exactOptional() }),
    )
    .mutation(({ ctx, input }) => {
      const { clock, random } = ctx.slice
      if (input.expiresAt && input.expiresAt <= clock.now()) {
        throw new Problem(problems.expiryPast, 'expiresAt is in the past.')
      }
      return ctx.audit.change(async (tx) => {
        const issued = await issueAdminToken({ db: tx, random }, input)
        ctx.audit.note({ after: { id: issued.id } })
        return issued
      })
    }),

  /** Ends a token, now or after an overlap. Also the caller's own. */
  revokeAdminToken: byAdmins
    .input(z.strictObject({ tokenId: z.uuid(), overlapSeconds }))
    .mutation(({ ctx, input }) =>
      ctx.audit.change(async (tx) => {
        await revokeAdminToken({ db: tx }, input)
        return { tokenId: input.tokenId }
      }),
    ),

  /** Keys of an organisation and its members, the newest first. */
  apiKeys: adminProcedure
    .input(z.strictObject({ organisationId: z.uuid(), ...page }))
    .query(async ({ ctx, input: { organisationId, ...asked } }) => ({
      keys: await listApiKeys(ctx.slice.db, organisationId, asked),
    })),

  /** Gives an organisation a key, for instance when it has lost all of its own. */
  issueApiKey: byAdmins
    .input(newApiKeySchema.extend({ organisationId: z.uuid() }))
    .mutation(({ ctx, input: { organisationId, ...key } }) =>
      ctx.audit.change(async (tx) => {
        await requireOrganisation(tx, organisationId)
        const everything = { kind: 'secret', organisationId, keyId: '', scopes, class: '' } as const
        const issued = await createApiKey(tx, ctx.slice, everything, key)
        ctx.audit.note({ organisationId, after: { id: issued.id } })
        return issued
      }),
    ),

  /** Ends a key of an organisation, now or after an overlap. */
  revokeApiKey: byAdmins
    .input(z.strictObject({ organisationId: z.uuid(), keyId: z.uuid(), overlapSeconds }))
    .mutation(({ ctx, input }) =>
      ctx.audit.change(async (tx) => {
        await revokeApiKey({ db: tx }, input)
        ctx.audit.note({ organisationId: input.organisationId })
        return { keyId: input.keyId }
      }),
    ),
})
