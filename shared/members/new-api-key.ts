import { z } from 'zod'
import { instantInput } from '#platform/instant-input'
import { scopes } from './scope.ts'

/** What somebody may ask of a new key. The rate-limit class is not theirs to choose. */
export const newApiKeySchema = z.strictObject({
  kind: z.enum(['secret', 'publishable']),
  /** Said by its owner, to tell keys apart. */
  name: z.string().trim().min(1).max(100),
  /** Left out: all that the kind may have and the calling key holds. */
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .refine((list) => new Set(list).size === list.length, 'must name each scope once')
    .optional(),
  /** Left out or null: the key does not expire. */
  expiresAt: instantInput.nullish(),
})

export type NewApiKey = z.output<typeof newApiKeySchema>
