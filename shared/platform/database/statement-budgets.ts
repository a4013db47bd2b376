import { z } from 'zod'

/** What requests to one route have spent of the statements that its declaration allows for one answer. */
export const spentBudget = z.object({
  /** The template of the route. */
  route: z.string(),
  /** Statements that one answer may cost, those that find out who asks not counted. */
  statementsMax: z.number(),
  /** Requests that sent a statement; an answer from the cache sends none. */
  requests: z.number(),
  statements: z.number(),
  /** The most that one request sent. */
  statementsMost: z.number(),
  /** Requests that sent more than they may. */
  overCount: z.number(),
})
export type SpentBudget = z.infer<typeof spentBudget>

/** Routes with a budget, which are a closed set. */
export class StatementBudgets {
  readonly #spent = new Map<string, SpentBudget>()

  /** Notes what one request has sent.  @returns whether it is the first of its route that sent too many */
  note(route: string, statementsMax: number, count: number): boolean {
    const known = this.#spent.get(route)
    const isOver = count > statementsMax
    this.#spent.set(route, {
      route,
      statementsMax,
      requests: (known?.requests ?? 0) + 1,
      statements: (known?.statements ?? 0) + count,
      statementsMost: Math.max(known?.statementsMost ?? 0, count),
      overCount: (known?.overCount ?? 0) + (isOver ? 1 : 0),
    })
    return isOver && (known?.overCount ?? 0) === 0
  }

  /** Those first that were broken most often, then by route. */
  list(): readonly SpentBudget[] {
    return [...this.#spent.values()].toSorted(
      (one, other) => other.overCount - one.overCount || (one.route < other.route ? -1 : 1),
    )
  }
}
