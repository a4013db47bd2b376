import { findAsset } from './assets.ts'
import { fromDigits, type Decimal } from './decimal.ts'

/** Minor units as a plain decimal number of whole units: 1050 with exponent 2 is `10.50`. For machines. */
export function toDecimal(amountMinor: bigint | number, exponent: number): Decimal {
  return fromDigits({ units: BigInt(amountMinor), scale: exponent })
}

/** An amount as people of a locale read it: `£1,234.50`, `KWD 1.234`, `0.00000001 HBAR`.
 *  The decimals are the asset's own, not those that CLDR would choose; no float is involved.
 *  @throws {Error} when the currency is not in the asset list */
export function formatMoney(
  amount: { readonly amountMinor: bigint | number; readonly currency: string },
  locale = 'en-GB',
): string {
  const asset = findAsset(amount.currency)
  if (!asset) {
    throw new Error(`no asset ${amount.currency}`)
  }
  const digits = { minimumFractionDigits: asset.exponent, maximumFractionDigits: asset.exponent }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- decimal text is what Intl calls a numeric literal
  const value = toDecimal(amount.amountMinor, asset.exponent) as `${number}`
  return asset.kind === 'fiat'
    ? new Intl.NumberFormat(locale, {
        style: 'currency',
        currency: asset.code,
        ...digits,
      }).format(value)
    : `${new Intl.NumberFormat(locale, digits).format(value)} ${asset.code}`
}
