/** Recall and NDCG of the first `limit` of a list, where what was bought later counts 1 and everything else 0. */
export function judge(
  list: readonly (string | number)[],
  bought: ReadonlySet<string | number>,
  limit: number,
): { readonly recall: number; readonly ndcg: number } {
  const first = list.slice(0, limit)
  const gains = first.map((content, index) => (bought.has(content) ? 1 / Math.log2(index + 2) : 0))
  const hits = gains.filter((gain) => gain > 0).length
  const ideal = sum(
    Array.from({ length: Math.min(limit, bought.size) }, (_, n) => 1 / Math.log2(n + 2)),
  )
  return { recall: hits / bought.size, ndcg: sum(gains) / ideal }
}

export const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length

const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0)
