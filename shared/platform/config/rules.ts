import type { platformSettings } from './platform-settings.ts'
import type { EnvironmentRecord } from './read-settings.ts'
import { redisUrlOf } from './redis-url.ts'
import type { Fault, Values } from './setting.ts'

type Platform = Partial<Values<typeof platformSettings>>

/** What must hold between settings that are each right by themselves. Values with a fault of their own are absent. */
export function checkRules(values: Platform, variables: EnvironmentRecord): readonly Fault[] {
  return [...checkRedis(values, variables), ...checkPool(values), ...checkOrder(values)]
}

function checkRedis(values: Platform, variables: EnvironmentRecord): readonly Fault[] {
  const { NODE_ENV, REDIS_URL, REDIS_HOST } = values
  const faults: Fault[] = []
  if (REDIS_HOST === undefined) {
    const orphans = (['REDIS_PORT', 'REDIS_DB'] as const).filter(
      (name) => values[name] !== undefined,
    )
    if (orphans.length > 0) {
      const fix = 'set REDIS_HOST too, or use REDIS_URL alone'
      faults.push({ names: orphans, problem: 'has no effect without REDIS_HOST', fix })
    }
  } else if (REDIS_URL !== undefined && !isSameRedis(REDIS_URL, redisUrlOf(values))) {
    const names = ['REDIS_URL', 'REDIS_HOST']
    const problem = 'name different servers (REDIS_PORT and REDIS_DB included)'
    faults.push({ names, problem, fix: 'keep REDIS_URL and remove REDIS_HOST' })
  }
  const isGiven = variables['REDIS_URL'] !== undefined || REDIS_HOST !== undefined
  if (NODE_ENV === 'production' && !isGiven) {
    const problem = 'is not set, and production has no default for it'
    const fix = 'set it to redis://host:6379, or to nothing (REDIS_URL=) to run without Redis'
    faults.push({ names: ['REDIS_URL'], problem, fix })
  }
  return faults
}

/** Whether both name the same server and database; user and password may stand in only one of them. */
function isSameRedis(left: string, right: string | undefined): boolean {
  const place = (url: string): string => {
    const { hostname, port, pathname } = new URL(url)
    return `${hostname}:${port || 6379}/${pathname.replace('/', '') || 0}`
  }
  return left !== '' && right !== undefined && place(left) === place(right)
}

/** 20 for requests and 10 beside them: one process never takes more of the server than that. */
const connectionsOfProcessMax = 30

function checkPool(values: Platform): readonly Fault[] {
  const { DATABASE_CONNECTION_LIMIT: pool = 0, DB_MAX_OVERFLOW: reserve = 0 } = values
  if (pool + reserve <= connectionsOfProcessMax) {
    return []
  }
  const problem = `make ${pool + reserve} connections together; one process may open ${connectionsOfProcessMax}`
  const names = ['DATABASE_CONNECTION_LIMIT', 'DB_MAX_OVERFLOW']
  return [{ names, problem, fix: `lower one of them; add processes to serve more` }]
}

/** Pairs of which the first must not be the greater one, and why. */
const orders = [
  ['DATABASE_LOCK_TIMEOUT_MS', 'DATABASE_STATEMENT_TIMEOUT_MS', 'or the lock limit never acts'],
  ['DATABASE_STATEMENT_TIMEOUT_MS', 'DATABASE_QUERY_TIMEOUT_MS', 'so that the server speaks first'],
  [
    'DATABASE_QUERY_TIMEOUT_MS',
    'API_READ_DEADLINE_MS',
    'or the read is given up before its statement',
  ],
  ['API_READ_DEADLINE_MS', 'API_WRITE_DEADLINE_MS', 'since writes take longer'],
  ['SLOW_QUERY_LOG_MS', 'SLOW_QUERY_ALERT_MS', 'or alerts have no line in the log'],
  ['CACHE_TTL_SHORT', 'CACHE_TTL_MEDIUM', 'as their names say'],
  ['CACHE_TTL_MEDIUM', 'CACHE_TTL_LONG', 'as their names say'],
] as const

function checkOrder(values: Platform): readonly Fault[] {
  return orders.flatMap(([smaller, greater, why]) => {
    const [low, high] = [values[smaller], values[greater]]
    const isInOrder = low === undefined || high === undefined || low <= high
    const problem = `are ${low} and ${high}; the first must not be above the second, ${why}`
    return isInOrder ? [] : [{ names: [smaller, greater], problem, fix: 'change one of them' }]
  })
}
