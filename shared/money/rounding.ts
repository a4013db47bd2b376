import { decimalsMax, fromDigits, toDigits, type Decimal } from './decimal.ts'

/**
 * The arithmetic of money: exact on bigint, rounded once, half to even. Each function has a twin of the same name in
 * SQL (migrations/0001-money.ts); test/money/rounding.test.ts holds both against each other and against fractions.
 */

/** Rounds decimal text to `scale` decimals, ties to the even neighbour. Negative scales round to tens, hundreds ….
 *  @throws {z.ZodError} when `value` is not decimal text  @throws {RangeError} when `scale` is not in -18 … 12 */
export function roundHalfEven(value: string, scale: number): Decimal {
  const { units, scale: from } = toDigits(value)
  return atScale(quotient(units * power(scale), power(from) * power(-scale)), scale)
}

/** The exact quotient of two decimals at `scale` decimals, rounded once: dividing first and rounding then rounds twice.
 *  @throws {RangeError} when the divisor is zero */
export function divideHalfEven(dividend: string, divisor: string, scale: number): Decimal {
  const over = toDigits(dividend)
  const under = toDigits(divisor)
  const numerator = over.units * power(under.scale) * power(scale)
  const denominator = under.units * power(over.scale) * power(-scale)
  return atScale(quotient(numerator, denominator), scale)
}

/** Which way a conversion goes: the exponents of the asset that is left and of the one that is entered. */
export type Exponents = { readonly from: number; readonly to: number }

/** Minor units of one asset in minor units of another at `rate` (units of `to` for one unit of `from`).
 *  @throws {RangeError} when the result does not fit PostgreSQL's bigint */
export function convertMinor(
  amountMinor: bigint | number,
  rate: string,
  exponents: Exponents,
): bigint {
  const { units, scale } = toDigits(rate)
  const shift = exponents.to - exponents.from
  const converted = quotient(
    BigInt(amountMinor) * units * power(shift),
    power(scale) * power(-shift),
  )
  if (BigInt.asIntN(64, converted) !== converted) {
    throw new RangeError(`${converted} minor units do not fit a bigint`)
  }
  return converted
}

/** The quotient of two integers, ties to the even neighbour. */
function quotient(dividend: bigint, divisor: bigint): bigint {
  if (divisor === 0n) {
    throw new RangeError('division by zero')
  }
  const isNegative = dividend < 0n !== divisor < 0n
  const over = magnitude(dividend)
  const under = magnitude(divisor)
  const whole = over / under
  const twice = (over % under) * 2n
  const isUp = twice > under || (twice === under && whole % 2n === 1n)
  const rounded = isUp ? whole + 1n : whole
  return isNegative ? -rounded : rounded
}

function atScale(units: bigint, scale: number): Decimal {
  if (!Number.isInteger(scale) || scale < -18 || scale > decimalsMax) {
    throw new RangeError(`scale ${scale} is not an integer from -18 to ${decimalsMax}`)
  }
  return scale < 0
    ? fromDigits({ units: units * power(-scale), scale: 0 })
    : fromDigits({ units, scale })
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)

/** 10^exponent, or 1 for a negative exponent: its counterpart then stands in the divisor. */
const power = (exponent: number): bigint => (exponent > 0 ? 10n ** BigInt(exponent) : 1n)
