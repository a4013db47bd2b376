import type { RepeatedStatement } from '#platform/database/repeated-statements'
import type { SlowStatement } from '#platform/database/slow-statements'

/** The slow statements of several processes, each once, those first that took most time in all. */
export function slowTogether(
  parts: readonly (readonly SlowStatement[])[],
): readonly SlowStatement[] {
  const sums = new Map<string, SlowStatement>()
  for (const one of parts.flat()) {
    const known = sums.get(one.fingerprint)
    sums.set(one.fingerprint, known ? addSlow(known, one) : one)
  }
  return [...sums.values()].toSorted((one, other) => other.totalMs - one.totalMs)
}

function addSlow(known: SlowStatement, more: SlowStatement): SlowStatement {
  return {
    ...(known.lastAt < more.lastAt ? more : known),
    count: known.count + more.count,
    alertCount: known.alertCount + more.alertCount,
    totalMs: known.totalMs + more.totalMs,
    maxMs: Math.max(known.maxMs, more.maxMs),
  }
}

/** The N+1 patterns of several processes, each once, those first that repeat themselves most often. */
export function repeatedTogether(
  parts: readonly (readonly RepeatedStatement[])[],
): readonly RepeatedStatement[] {
  const sums = new Map<string, RepeatedStatement>()
  for (const one of parts.flat()) {
    const key = `${one.fingerprint} ${one.route}`
    const known = sums.get(key)
    sums.set(key, known ? addRepeated(known, one) : one)
  }
  return [...sums.values()].toSorted((one, other) => other.repeatsMax - one.repeatsMax)
}

function addRepeated(known: RepeatedStatement, more: RepeatedStatement): RepeatedStatement {
  return {
    ...(known.lastAt < more.lastAt ? more : known),
    requests: known.requests + more.requests,
    repeatsMax: Math.max(known.repeatsMax, more.repeatsMax),
  }
}
