import { as, type Alert } from '../alert.ts'
import { poolRatio } from '../selectors.ts'
import { thresholds } from '../thresholds.ts'

const { poolRatio: pool, slowStatementRatio } = thresholds

const full = {
  value: as.percent,
  dashboard: 'database',
  runbook: {
    means: 'Requests or jobs hold nearly all connections of a process.',
    look: '`pg_stat_activity`: what runs, for how long, what waits for locks, what is idle in a transaction. Then slow statements and the hit ratio.',
    act: 'End what blocks (`pg_terminate_backend`). Load: a better hit ratio first, then `DATABASE_CONNECTION_LIMIT`, within what `max_connections` of the server leaves.',
  },
} as const

/** The pool, the circuit in front of it, and statements. */
export const databaseAlerts: readonly Alert[] = [
  {
    name: 'DatabasePoolCritical',
    severity: 'critical',
    expr: `${poolRatio} > ${pool.critical}`,
    forSeconds: 15,
    when: `more than ${pool.critical * 100} % of a pool is in use`,
    ...full,
  },
  {
    name: 'DatabasePoolWarning',
    severity: 'warning',
    expr: `${poolRatio} > ${pool.warning}`,
    forSeconds: 120,
    when: `more than ${pool.warning * 100} % of a pool is in use`,
    ...full,
  },
  {
    name: 'DatabasePoolWaiting',
    severity: 'critical',
    expr: 'db_client_connection_pending_requests > 0',
    forSeconds: 30,
    when: 'somebody waits for a connection, scrape after scrape',
    ...full,
    value: as.number,
  },
  {
    name: 'DatabaseCircuitOpen',
    severity: 'critical',
    expr: 'circuit_breaker_state{name="postgres",state="OPEN"} == 1',
    forSeconds: 15,
    when: 'a process refuses statements, since PostgreSQL does not answer',
    value: as.number,
    dashboard: 'database',
    runbook: {
      means:
        'Connecting failed five times. What needs a connection is refused with 503; kept answers go on, flagged. A probe asks every second.',
      look: 'PostgreSQL: its log, its disk, `pg_isready` from the machine of the process.',
      act: 'Bring it back; the circuit closes by itself after two answers.',
    },
  },
  {
    name: 'StatementsSlow',
    severity: 'warning',
    expr: `sum(rate(db_client_slow_operations_total{job="api",threshold="log"}[5m])) / sum(rate(db_client_operation_duration_seconds_count{job="api"}[5m])) > ${slowStatementRatio}`,
    forSeconds: 300,
    when: `more than ${slowStatementRatio * 100} % of the statements of the API take 100 ms (SLOW_QUERY_LOG_MS)`,
    value: as.percent,
    dashboard: 'database',
    runbook: {
      means: 'The database as a whole is slow, or one read that is asked for often.',
      look: 'tRPC `metrics.slowQueries`, lines `SLOW QUERY` of the log; processor and disk of PostgreSQL.',
      act: '`npm run migrate -- analyze` shows the plan of every declared read and what would mend it; `indexes.analyze` renews the statistics of a table.',
    },
  },
  {
    name: 'StatementVerySlow',
    severity: 'warning',
    expr: 'increase(db_client_slow_operations_total{job="api",threshold="alert"}[5m]) > 0',
    forSeconds: 0,
    when: 'a statement of the API took 500 ms (SLOW_QUERY_ALERT_MS)',
    value: as.number,
    dashboard: 'database',
    runbook: {
      means: 'One line `SLOW QUERY` at level warn has its fingerprint and route.',
      look: 'That line; tRPC `metrics.plan` with the fingerprint.',
      act: 'Once, while something else kept the server busy: nothing. Again: the plan, then the index.',
    },
  },
  {
    name: 'StatementsRepeated',
    severity: 'warning',
    expr: 'increase(db_client_repeating_requests_total{job="api"}[15m]) > 0',
    forSeconds: 0,
    when: 'a request sent one statement five times or more: the N+1 pattern',
    value: as.number,
    dashboard: 'database',
    runbook: {
      means: 'A read or write asks in a loop what one statement could ask.',
      look: 'tRPC `metrics.nPlusOne` names route and statement.',
      act: 'Change the code of that route; nothing to do tonight.',
    },
  },
]
