import type { History } from './history.ts'

/** The first `limit` contents for a member that the member does not know, by number, the best first. */
type Rival = (member: number, limit: number) => readonly number[]

export type RivalName = 'popularity, all time' | 'popularity, last 30 days' | 'item-item cosine'

/** What recommendations are measured beside. Ties go to the content that comes first. */
export function rivalsOf(history: History): Readonly<Record<RivalName, Rival>> {
  const { known, recent } = history
  return {
    'popularity, all time': byScore(history, constant(countIn(history, known))),
    'popularity, last 30 days': byScore(history, constant(countIn(history, recent))),
    'item-item cosine': byScore(history, cosine(history)),
  }
}

type Scores = (member: number) => Float64Array

const constant =
  (scores: Float64Array): Scores =>
  () =>
    scores

function countIn({ contentIds }: History, lists: readonly (readonly number[])[]): Float64Array {
  const counts = new Float64Array(contentIds.length)
  for (const list of lists) {
    for (const content of list) {
      counts[content] = (counts[content] ?? 0) + 1
    }
  }
  return counts
}

/** Plain: members who bought both, over the root of the product of those who bought either; the sum over what is known. */
function cosine(history: History): Scores {
  const { known, contentIds } = history
  const size = contentIds.length
  const together = new Float32Array(size * size)
  for (const list of known) {
    for (const one of list) {
      for (const other of list) {
        together[one * size + other] = (together[one * size + other] ?? 0) + 1
      }
    }
  }
  const roots = countIn(history, known).map((count) => Math.sqrt(Math.max(count, 1)))
  return (member) => {
    const scores = new Float64Array(size)
    for (const one of known[member] ?? []) {
      for (let other = 0; other < size; other += 1) {
        const near = (together[one * size + other] ?? 0) / ((roots[one] ?? 1) * (roots[other] ?? 1))
        scores[other] = (scores[other] ?? 0) + near
      }
    }
    return scores
  }
}

function byScore({ known }: History, scoresOf: Scores): Rival {
  return (member, limit) => {
    const scores = scoresOf(member)
    const seen = new Set(known[member])
    const best: number[] = []
    for (const [content, score] of scores.entries()) {
      const worst = best.at(-1)
      const isFull = best.length === limit
      if (seen.has(content) || (isFull && worst !== undefined && (scores[worst] ?? 0) >= score)) {
        continue
      }
      const place = best.findIndex((other) => (scores[other] ?? 0) < score)
      best.splice(place === -1 ? best.length : place, 0, content)
      best.length = Math.min(best.length, limit)
    }
    return best
  }
}
