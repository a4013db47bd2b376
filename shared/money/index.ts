export {
  activeCurrency,
  amountMinor,
  amountMinorMax,
  moneyInput,
  moneyOutput,
  toWire,
  type Money,
} from './amount.ts'
export { Asset, assetKinds, isVolatile, type AssetKind } from './asset.ts'
export { assets, findAsset } from './assets.ts'
export { decimal, decimalsMax, parseDecimal, type Decimal } from './decimal.ts'
export { formatMoney, toDecimal } from './format.ts'
export { money } from './money-field.ts'
export { convertMinor, divideHalfEven, roundHalfEven, type Exponents } from './rounding.ts'
