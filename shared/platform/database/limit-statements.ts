import type { Database } from './database.ts'

/** The same database with at most `statementsMax` of these statements at a time, and so at most as many of its connections;
 *  what is beyond waits in turn. For work that nobody waits for. Units of work of the ORM (`fork`) do not go through it. */
export function limitStatements(db: Database, statementsMax: number): Database {
  const waiting: (() => void)[] = []
  let running = 0

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= statementsMax) {
      const turn = Promise.withResolvers<void>()
      waiting.push(turn.resolve)
      await turn.promise
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) {
        next() // takes over the place
      } else {
        running -= 1
      }
    }
  }

  return {
    ...db,
    run: (statement) => inTurn(() => db.run(statement)),
    read: (statement) => inTurn(() => db.read(statement)),
  }
}
