import type pg from 'pg'
import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { createCircuitBreaker, type CircuitBreaker } from '../resilience/circuit-breaker.ts'
import { DatabaseRefused, isOutage } from './outage.ts'
import type { Reserve } from './reserve.ts'

type Needs = {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
  readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'>
  readonly reserve: Pick<Reserve, 'ping'>
}

/** While the circuit is open, after half a second, one, two and then every four; the reserve answers within half a second or not
 *  at all. */
const probe = { everyMs: 500, everyMsMax: 4_000, timeoutMs: 1_000 }

/** The circuit breaker of the database. While it is open, the reserve asks whether the database is back, at pauses that double. An
 *  outage is one error in the log, and so in the error tracker.
 *  @param trialTimeoutMs how long a connection may take to open */
export function openDatabaseCircuit(
  trialTimeoutMs: number,
  { clock, log, lifecycle, reserve }: Needs,
): CircuitBreaker {
  let latest: unknown
  return createCircuitBreaker(
    {
      name: 'postgres',
      trialTimeoutMs,
      judge(error) {
        latest = error
        return isOutage(error) && !isExhausted(error) ? 'failed' : 'unknown'
      },
      probe: { ...probe, run: () => reserve.ping() },
      onTransition({ from, to }) {
        if (to === 'OPEN' && from === 'CLOSED') {
          log.error({ err: latest }, 'database circuit opened: statements are refused at once')
        } else if (to === 'CLOSED') {
          log.info('database circuit closed')
        }
      },
    },
    { clock, lifecycle },
  )
}

/** That no connection came free says that there is much to do, not that the database is away (pg-pool 3.14). */
const isExhausted = (error: unknown): boolean =>
  error instanceof Error && error.message === 'timeout exceeded when trying to connect'

type Connected = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: pg.PoolClient['release'],
) => void

/**
 * Puts the pool behind its circuit. Only where a connection must be opened: one that idles is handed out as ever, so that
 * this costs next to nothing while all is well, and what still works goes on while others are refused. A database that froze
 * loses its connections to the limits of statements, and is noticed when they are to be replaced. After that an idle one counts
 * as a trial too, or a pool that needs no more of them would never close its circuit.
 */
export function guardPool(pool: pg.Pool, circuit: CircuitBreaker): void {
  const connect: () => Promise<pg.PoolClient> = pool.connect.bind(pool)

  async function attempt(signal: AbortSignal): Promise<pg.PoolClient> {
    const client = await connect()
    if (signal.aborted) {
      client.release() // it came after its trial had been given up
    }
    return client
  }

  function acquire(): Promise<pg.PoolClient> {
    if (pool.idleCount === 0) {
      return circuit.run(attempt, refuse)
    }
    const isTrial = circuit.snapshot().state === 'HALF_OPEN'
    return isTrial ? circuit.run(attempt, connect) : connect()
  }

  Object.assign(pool, {
    connect(callback?: Connected): Promise<pg.PoolClient> | undefined {
      const acquired = acquire()
      if (!callback) {
        return acquired
      }
      acquired.then(
        (client) => callback(undefined, client, (reason) => client.release(reason)),
        (error: Error) => callback(error, undefined, () => undefined),
      )
      return undefined
    },
  })
}

const refuse = (): Promise<never> =>
  Promise.reject(new DatabaseRefused('the database does not answer; it is not asked for now'))
