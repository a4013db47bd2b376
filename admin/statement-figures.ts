import type { RepeatedStatement } from '#platform/database/repeated-statements'
import type { SlowStatement } from '#platform/database/slow-statements'
import type { SpentBudget } from '#platform/database/statement-budgets'

/** Sums of what several processes have told, one for each key. */
function sumUp<T>(
  parts: readonly (readonly T[])[],
  keyOf: (one: T) => string,
  add: (known: T, more: T) => T,
): readonly T[] {
  const sums = new Map<string, T>()
  for (const one of parts.flat()) {
    const known = sums.get(keyOf(one))
    sums.set(keyOf(one), known ? add(known, one) : one)
  }
  return [...sums.values()]
}

/** What several processes spent of the budgets of routes, those first that were broken most often. */
export function budgetsTogether(
  parts: readonly (readonly SpentBudget[])[],
): readonly SpentBudget[] {
  const routes = sumUp(parts, ({ route }) => route, addSpent)
  return routes.toSorted(
    (one, other) => other.overCount - one.overCount || (one.route < other.route ? -1 : 1),
  )
}

const addSpent = (known: SpentBudget, more: SpentBudget): SpentBudget => ({
  ...known,
  requests: known.requests + more.requests,
  statements: known.statements + more.statements,
  statementsMost: Math.max(known.statementsMost, more.statementsMost),
  overCount: known.overCount + more.overCount,
})

/** The slow statements of several processes, each once, those first that took most time in all. */
export function slowTogether(
  parts: readonly (readonly SlowStatement[])[],
): readonly SlowStatement[] {
  const statements = sumUp(parts, ({ fingerprint }) => fingerprint, addSlow)
  return statements.toSorted((one, other) => other.totalMs - one.totalMs)
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
  const patterns = sumUp(parts, ({ fingerprint, route }) => `${fingerprint} ${route}`, addRepeated)
  return patterns.toSorted((one, other) => other.repeatsMax - one.repeatsMax)
}

function addRepeated(known: RepeatedStatement, more: RepeatedStatement): RepeatedStatement {
  return {
    ...(known.lastAt < more.lastAt ? more : known),
    requests: known.requests + more.requests,
    repeatsMax: Math.max(known.repeatsMax, more.repeatsMax),
  }
}
