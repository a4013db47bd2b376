import { sql } from 'kysely'
import { defineSubscriber } from '#platform/outbox/subscriber'
import { startRelay } from '#platform/outbox/relay'
import { startWorkers } from '#platform/queue/workers'
import { openProcess, type Opened } from '../../platform/queue/fixture.ts'

// One worker process as the scenario starts and kills it: the relay, and a subscriber whose effect is a row.

const [databaseUrl = '', redis = ''] = process.argv.slice(2)

const subscriber = defineSubscriber<Opened>({
  name: 'record-effect',
  topics: ['tried.*'],
  queue: `outbox-${new URL(databaseUrl).pathname.slice(1)}`,
  attemptsMax: 5,
  backoffMs: 50,
  timeoutMs: 10_000,
  concurrency: 8,
  async handle(_slice, { eventId, aggregateId }, tx) {
    await tx.run(sql`
      insert into effects (event_id, aggregate_id) values (${eventId}::bigint, ${aggregateId}::uuid)`)
    return { rows: 1 }
  },
})

const opened = await openProcess(databaseUrl, redis === '' ? undefined : redis)
startWorkers(opened, [subscriber.job], { stopGraceMs: 300, lockMs: 1000, stalledCheckMs: 500 })
startRelay(opened, [subscriber], {
  databaseUrl,
  applicationName: 'relay-process',
  redeliverAfterMs: 2000,
})
process.on('message', () => {
  void opened.lifecycle.stop().then(() => process.exit(0))
})
process.send?.('ready')
