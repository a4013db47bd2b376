import { defineEntity, p } from '@mikro-orm/core'

export const assetKinds = ['fiat', 'token'] as const

export type AssetKind = (typeof assetKinds)[number]

/** Something that amounts are counted in. `exponent` is the number of decimals of its minor unit (JPY 0, KWD 3). */
export type Asset = {
  readonly code: string
  readonly kind: AssetKind
  readonly exponent: number
  readonly name: string
  /** False for currencies that were withdrawn: their history can be read, nothing new may be priced in them. */
  readonly isActive: boolean
  /** How old a rate may be at most when it is frozen into a link. */
  readonly stalenessSecondsMax: number
}

/** Whether the price of an asset moves by the minute: a token that no currency backs. It decides how often its rate is asked
 *  for and nothing that is computed, so it is a fact of the list and no column: no statement needs it. */
export const isVolatile = ({ kind, code }: Pick<Asset, 'kind' | 'code'>): boolean =>
  kind === 'token' && !stableCoins.has(code)

/** Tokens whose issuers redeem them for a unit of a currency: they move as that currency does. */
const stableCoins: ReadonlySet<string> = new Set(['AUDD', 'USDC', 'USDT'])

/** The stored asset list. Only a migration writes it; every currency column refers to it. */
export const Asset = defineEntity({
  name: 'Asset',
  tableName: 'assets',
  readonly: true,
  properties: {
    code: p.string().length(10).collation('C').primary(),
    kind: p.enum(assetKinds),
    exponent: p.smallint(),
    name: p.text(),
    isActive: p.boolean(),
    stalenessSecondsMax: p.integer(),
  },
})
