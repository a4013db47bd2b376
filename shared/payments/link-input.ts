import { z } from 'zod'
import { instantInput } from '#platform/instant-input'
import { activeCurrency, amountMinorMax, moneyInput } from '#money'

const itemSchema = z.strictObject({
  name: z.string().min(1).max(200),
  quantity: z.int().min(1).max(1_000_000),
  unitAmount: z.int().min(0).max(amountMinorMax),
})

/** Free-form facts of the caller; bounded like those of the large payment providers. */
const metadataSchema = z
  .record(z.string().min(1).max(40), z.string().max(500))
  .refine((metadata) => Object.keys(metadata).length <= 50, 'at most 50 keys')

/** What may change for as long as a link is not closed. */
const changeable = {
  description: z.string().max(500),
  reference: z.string().min(1).max(100).nullable(),
  completionsMax: z.int().min(1).max(1_000_000).nullable(),
  expiresAt: instantInput.nullable(),
  successUrl: z
    .url({ protocol: /^https$/, error: 'must be an https URL' })
    .max(2000)
    .nullable(),
  inactiveMessage: z.string().max(500).nullable(),
  metadata: metadataSchema,
}

export const newLinkSchema = z
  .strictObject({
    ...z.strictObject(changeable).partial().shape,
    /** Left out or null: the payer decides how much; then `currency` is needed. */
    amount: moneyInput.nullish(),
    currency: activeCurrency.optional(),
    items: z.array(itemSchema).min(1).max(100).optional(),
    status: z.enum(['draft', 'open']).default('open'),
    memberId: z.uuid().toLowerCase().optional(),
    rateMode: z.enum(['locked', 'floating']).default('locked'),
    rateLockSeconds: z
      .int()
      .min(60)
      .max(30 * 24 * 3600)
      .optional(),
    acceptedAssets: z.array(z.string()).min(1).max(4).optional(),
    /** Freezes rates that are older than allowed, marked as stale, instead of refusing the link. */
    allowStaleRates: z.boolean().default(false),
  })
  .superRefine((link, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    const currency = link.amount?.currency ?? link.currency
    if (currency === undefined) {
      fault('currency', 'needed when there is no amount')
    } else if (link.currency !== undefined && link.currency !== currency) {
      fault('currency', 'differs from the currency of the amount')
    }
    const total = sumOf(link.items)
    if (total !== undefined && (total < 1n || total > BigInt(amountMinorMax))) {
      fault('items', 'must add up to at least 1 and at most 9007199254740991 minor units')
    } else if (total !== undefined && link.amount && BigInt(link.amount.amountMinor) !== total) {
      fault('items', `add up to ${total}, not to the amount`)
    }
  })
  .transform(({ amount, currency, ...link }) => {
    const total = sumOf(link.items)
    return {
      ...link,
      currency: amount?.currency ?? currency ?? '',
      amountMinor: amount?.amountMinor ?? (total === undefined ? null : Number(total)),
    }
  })

export type NewLink = z.output<typeof newLinkSchema>

export const linkChangesSchema = z
  .strictObject({
    ...changeable,
    amount: moneyInput.nullable(),
    /** A draft is opened; nothing else changes a status here. */
    status: z.literal('open'),
  })
  .partial()

export type LinkChanges = z.output<typeof linkChangesSchema>

export const requoteSchema = z.strictObject({ allowStaleRates: z.boolean().default(false) })

type Item = z.output<typeof itemSchema>

function sumOf(items: readonly Item[] | undefined): bigint | undefined {
  return items?.reduce((sum, item) => sum + BigInt(item.quantity) * BigInt(item.unitAmount), 0n)
}
