import type pg from 'pg'

/**
 * Gives a lost connection back to the pool at once, on behalf of whoever holds it. Without this
 * - a server that stops answering holds its connection twice as long: pg rejects the query after `query_timeout` but
 *   keeps the connection, and the ROLLBACK waits behind the query that never ends (node-postgres#3399, pg 8.23.0);
 * - a BEGIN or ROLLBACK that fails loses its place in the pool for ever, since kysely 0.29.6 releases a controlled
 *   transaction only after those succeeded: a restart of the server during 20 transactions would empty the pool.
 * A statement that failed with the server's own ERROR keeps its connection; anything else ends it.
 */
export function discardLostConnections(pool: pg.Pool): void {
  pool.on('connect', (client) => {
    const query: (...values: never[]) => unknown = client.query.bind(client)
    const watched = (...values: never[]): unknown => {
      const answer = query(...values)
      if (answer instanceof Promise) {
        answer.catch((error: unknown) => {
          if (!isErrorOfServer(error) || isBoundary(values[0])) {
            client.release(true)
          }
        })
      }
      return answer
    }
    Object.assign(client, { query: watched })
    tolerateSecondRelease(client)
  })
}

type Release = pg.PoolClient['release']

/** pg throws when a connection is given back twice, and its holder does not know that it was given back already.
 *  The pool assigns a new `release` each time it hands the connection out, hence an accessor. */
function tolerateSecondRelease(client: pg.PoolClient): void {
  let current: Release | undefined
  Object.defineProperty(client, 'release', {
    get: () => current,
    set(assigned: Release) {
      let isReleased = false
      current = (reason) => {
        if (!isReleased) {
          isReleased = true
          assigned(reason)
        }
      }
    },
  })
}

/** ERROR ends the statement; FATAL and PANIC end the session; everything else did not come from the server. */
function isErrorOfServer(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}

function isBoundary(text: unknown): boolean {
  return typeof text === 'string' && /^(?:begin|start transaction|rollback$)/.test(text)
}
