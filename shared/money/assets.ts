import type { Asset } from './asset.ts'
import list from './assets.json' with { type: 'json' }

/** Reference rates appear on working days, in the afternoon, and are dated at midnight: those of Maundy Thursday are the
 *  newest until the afternoon of Easter Tuesday, 5 days and 16 hours later. */
const fiatStalenessSeconds = 6 * 24 * 3600
/** The free publisher of tokens dates its file by the day and brings it out during the next one. */
const tokenStalenessSeconds = 36 * 3600

/** Every ISO 4217 currency with a minor unit, the withdrawn ones of the ECB's history, and the settlement tokens.
 *  Source: ISO 4217 list one and three as of 2026-02, packaged under ODC-PDDL-1.0 (datasets/currency-codes);
 *  exponents of withdrawn currencies from CLDR 48. Codes without a minor unit (XAU, XXX …) are left out. */
export const assets: readonly Asset[] = list.map((row) => {
  const kind = row.kind === 'token' ? 'token' : 'fiat'
  return {
    ...row,
    kind,
    stalenessSecondsMax: kind === 'token' ? tokenStalenessSeconds : fiatStalenessSeconds,
  }
})

const byCode: ReadonlyMap<string, Asset> = new Map(assets.map((asset) => [asset.code, asset]))

/** The asset with exactly this code, upper case as ISO writes it. */
export function findAsset(code: string): Asset | undefined {
  return byCode.get(code)
}
