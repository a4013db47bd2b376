import { z } from 'zod'
import { findAsset } from './assets.ts'

/** The largest amount, in minor units, that JSON and JavaScript carry without loss: 2^53 - 1. */
export const amountMinorMax = Number.MAX_SAFE_INTEGER

/** An amount in minor units of its currency. */
export type Money = { readonly amountMinor: number; readonly currency: string }

/** A whole number of minor units from 1 to 2^53 - 1, as it crosses the wire. */
export const amountMinor = z
  .int({ error: ({ input }) => amountFault(input) })
  .min(1, { error: 'must be at least 1 minor unit' })
  .meta({ description: 'Whole minor units of the currency, for example pence.' })

/** The code of a currency or token that new amounts may be in. */
export const activeCurrency = z
  .string({ error: 'must be a currency code in upper case, such as GBP' })
  .superRefine((code, context) => {
    const fault = currencyFault(code)
    if (fault) {
      context.addIssue({ code: 'custom', message: fault, input: code })
    }
  })
  .meta({ description: 'ISO 4217 code, or the code of a settlement token.', example: 'GBP' })

const wire = {
  amount: amountMinor,
  currency: activeCurrency,
  exponent: z
    .int({ error: 'must be a whole number' })
    .optional()
    .meta({ description: 'Decimals of the minor unit; refused when it is not the currency’s.' }),
}

/** An amount as callers send it: `{ amount, currency, exponent? }`. The exponent is a check, not a choice: a caller who
 *  believes that yen have cents is told so instead of being charged a hundredfold. */
export const moneyInput = z
  .strictObject(wire)
  .refine((value) => expectedExponent(value) === undefined, {
    path: ['exponent'],
    error: ({ input }) => expectedExponent(input) ?? 'must be the exponent of the currency',
    // also when another member is out of bounds, so that one answer names both
    when: () => true,
  })
  .transform(({ amount, currency }): Money => ({ amountMinor: amount, currency }))
  .meta({ id: 'MoneyInput' })

/** An amount as answers carry it: the exponent is always there, so that nobody divides by 100 out of habit. */
export const moneyOutput = z
  .object({ amount: z.int(), currency: z.string(), exponent: z.int().min(0) })
  .meta({ id: 'Money' })

/** Puts an amount into the form of an answer.  @throws {Error} when the currency is not in the asset list */
export function toWire({ amountMinor: amount, currency }: Money): z.infer<typeof moneyOutput> {
  const asset = findAsset(currency)
  if (!asset) {
    throw new Error(`no asset ${currency}`)
  }
  return { amount, currency, exponent: asset.exponent }
}

/** What is wrong with the exponent that was sent, if anything. Takes what has not been parsed. */
function expectedExponent(value: unknown): string | undefined {
  const sent = claim.safeParse(value)
  const asset = sent.success ? findAsset(sent.data.currency) : undefined
  return asset && sent.data?.exponent !== asset.exponent
    ? `must be ${asset.exponent}, the exponent of ${asset.code}, or be left out`
    : undefined
}

const claim = z.object({ currency: z.string(), exponent: z.int() })

function amountFault(input: unknown): string {
  if (typeof input === 'string') {
    return 'must be a number, not a string'
  }
  if (typeof input !== 'number') {
    return 'must be a whole number of minor units'
  }
  return Number.isInteger(input)
    ? `must be from 1 to ${amountMinorMax}; larger numbers lose digits in JSON`
    : 'must be a whole number of minor units, such as 1050 for 10.50'
}

function currencyFault(code: string): string | undefined {
  const asset = findAsset(code)
  if (asset) {
    return asset.isActive ? undefined : `${code} was withdrawn; amounts in it can only be read`
  }
  return findAsset(code.toUpperCase())
    ? `must be in upper case: ${code.toUpperCase()}`
    : 'is not an ISO 4217 code or a known token'
}
