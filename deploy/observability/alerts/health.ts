import { as, type Alert } from '../alert.ts'

/** Checks whose warnings have an alert of their own, or say what is normal: a provider of rates that fails is followed by the next. */
const told = 'fx|deadLetters|outbox|pool|circuit|eventLoop|memory'

/** What the processes say of their own health: thresholds are those of the checks. */
export const healthAlerts: readonly Alert[] = [
  {
    name: 'HealthCheckFailing',
    severity: 'critical',
    expr: 'health_check{state="fail",check!="ledger"} == 1',
    forSeconds: 20,
    when: 'a check of the health report fails (database, queue, canary, schedules, rates …)',
    value: as.number,
    dashboard: 'process',
    runbook: {
      means:
        'The label `check` says which. `database`: PostgreSQL does not answer. `queue`: the backend of the queues does not, or schedules are late. `canary`: the worker is connected and does no jobs. `schedules`: something that happens by itself did not. `fx`: no provider has rates. `outbox`, `deadLetters`: their statement failed.',
      look: '`/health/detailed` of the process, which has the facts beside each check. Many checks at once: look at `database` first.',
      act: 'Mend what the check asks. A deaf worker (`canary`): restart it; its jobs are taken by others, none is lost.',
    },
  },
  {
    name: 'HealthDegraded',
    severity: 'warning',
    expr: `health_check{state="warn",check!~"${told}"} == 1`,
    forSeconds: 300,
    when: 'a check of the health report warns, and no other alert is about it',
    value: as.number,
    dashboard: 'process',
    runbook: {
      means:
        'The process serves, with less than it has. `cache`: Redis is away, so each process keeps its own answers. `database`: it answers late.',
      look: '`/health/detailed` of the process.',
      act: 'Mend what the check asks; nothing is lost meanwhile.',
    },
  },
  {
    name: 'LedgerUnbalanced',
    severity: 'critical',
    expr: 'health_check{check="ledger",state="fail"} == 1 unless on (job, instance) health_check{check="database",state="fail"} == 1',
    forSeconds: 60,
    when: 'what was debited is not what was credited, while the database answers',
    value: as.number,
    dashboard: 'overview',
    runbook: {
      means:
        'The running balances of an asset do not add up to nothing. The database refuses such postings, so rows were changed behind its back, or a restore is not whole. It also fires when the sums cannot be read within 400 ms for a minute.',
      look: '`/health/detailed`: `balanced` false is the former, a `reason` the latter. Then the sums by asset over `ledger_balances` and `ledger_accounts`.',
      act: 'Stop what writes to the books, keep the evidence, and compare with the last backup. Never mend balances by hand.',
    },
  },
]
