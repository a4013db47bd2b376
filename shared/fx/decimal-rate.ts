import { PublicationRefused } from './provider.ts'

/** Decimals that a stored rate has at most; with fewer, it is stored exactly as published. */
export const rateDecimalsMax = 12

const decimal = /^(\d{1,30})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,2}))?$/

/** Reads a rate's text without going through a float. Text with at most 12 decimals and no exponent is returned as it
 *  came ("1.1790" stays so); anything finer is rounded half to even to 12 decimals, once. Publishers give at most 8
 *  significant digits, so only rates below 0.00001 lose any.
 *  @throws {PublicationRefused} if it is not a positive decimal below 10^12 */
export function parseRate(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = decimal.exec(text) ?? []
  if (whole === '') {
    throw new PublicationRefused(`${JSON.stringify(text.slice(0, 40))} is not a rate`)
  }
  const scale = fraction.length - Number(exponent)
  const scaled = toScale(BigInt(whole + fraction), scale, rateDecimalsMax)
  if (scaled <= 0n || scaled >= 10n ** BigInt(12 + rateDecimalsMax)) {
    throw new PublicationRefused(`the rate ${text.slice(0, 40)} is not between 0 and 10^12`)
  }
  const isExact = exponent === '0' && fraction.length <= rateDecimalsMax
  return isExact ? text : toText(scaled, rateDecimalsMax)
}

function toScale(digits: bigint, scale: number, target: number): bigint {
  if (scale <= target) {
    return digits * 10n ** BigInt(target - scale)
  }
  const divisor = 10n ** BigInt(scale - target)
  const quotient = digits / divisor
  const twice = (digits % divisor) * 2n
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n)
  return isUp ? quotient + 1n : quotient
}

function toText(scaled: bigint, scale: number): string {
  const digits = scaled.toString().padStart(scale + 1, '0')
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
