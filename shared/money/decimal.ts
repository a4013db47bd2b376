import { z } from 'zod'

/** Integer digits that a decimal may have: a sum of 24 digits divided by the smallest rate, 10^-12, has 37. */
const wholeDigitsMax = 40
/** Decimals that a rate may have: what numeric(24,12) keeps. */
export const decimalsMax = 12

const form = new RegExp(`^-?(?:0|[1-9]\\d{0,${wholeDigitsMax - 1}})(?:\\.\\d{1,${decimalsMax}})?$`)

/** A decimal number as text, exactly as PostgreSQL writes a numeric: `-12.50`. Never a float, never an exponent. */
export const decimal = z
  .string({ error: 'must be a decimal number written as a string, such as "1.0842"' })
  .regex(form, {
    error: `must be plain digits with at most ${decimalsMax} decimals, such as "1.0842"; no exponent, no sign but "-"`,
  })
  .brand<'Decimal'>()

/** Text that has been checked to be a plain decimal number. */
export type Decimal = z.infer<typeof decimal>

/** Checks a decimal's form.  @throws {z.ZodError} on an exponent, NaN, a float, more than 12 decimals, spaces */
export function parseDecimal(text: unknown): Decimal {
  return decimal.parse(text)
}

/** A decimal in digits: its value is `units / 10^scale`. */
export type Digits = { readonly units: bigint; readonly scale: number }

/** Takes decimal text apart.  @throws {z.ZodError} like `parseDecimal` */
export function toDigits(text: string): Digits {
  const [whole = '', fraction = ''] = parseDecimal(text).split('.')
  return { units: BigInt(whole + fraction), scale: fraction.length }
}

/** Puts digits together again, with exactly `scale` decimals.  @throws {RangeError} when they are too many */
export function fromDigits({ units, scale }: Digits): Decimal {
  const sign = units < 0n ? '-' : ''
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
  const split = digits.length - scale
  const fraction = scale > 0 ? `.${digits.slice(split)}` : ''
  if (split > wholeDigitsMax) {
    throw new RangeError(`a decimal of ${split} integer digits, more than ${wholeDigitsMax}`)
  }
  return parseDecimal(`${sign}${digits.slice(0, split)}${fraction}`)
}
