const severalCurrencies =
  'each currency is a range of the index for itself and PostgreSQL merges none: some 7,000 rows of each are sorted'

/** Faults of declared reads that are known and accepted, by the name of the read, each with its reason. What every read of
 *  a kind may do stands in `allowances` of #platform/resource/declared-reads. The index proof refuses what is mended. */
export const acceptedFaults: Readonly<Record<string, string>> = {
  'fx/rates/history by -asOf with several quote': severalCurrencies,
  'fx/rates/history by asOf with several quote': severalCurrencies,
}
