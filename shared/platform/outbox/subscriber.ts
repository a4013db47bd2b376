import { sql } from 'kysely'
import { z } from 'zod'
import type { Transaction } from '../database/transaction.ts'
import { outboxChannel } from './publish.ts'
import { defineJob, type JobDefinition, type JobRun } from '../queue/define-job.ts'

/** An event as a subscriber is given it. */
export const eventSchema = z.strictObject({
  eventId: z.string().regex(/^\d+$/),
  topic: z.string(),
  organisationId: z.uuid().optional(),
  aggregateId: z.uuid(),
  payload: z.record(z.string(), z.unknown()),
  /** RFC 3339, UTC. */
  createdAt: z.string(),
})

export type OutboxMessage = z.output<typeof eventSchema>

/** Who wants to know of which events. */
export type Subscriber<Slice> = {
  /** Of its job too; never changed, for deliveries are kept under it. */
  readonly name: string
  /** `payment-link.created`, or `payment-link.*` for all of a kind. */
  readonly topics: readonly string[]
  readonly job: JobDefinition<Slice, typeof eventSchema>
}

type Declared<Slice> = Pick<
  JobDefinition<Slice>,
  'queue' | 'name' | 'attemptsMax' | 'backoffMs' | 'timeoutMs' | 'concurrency'
> & {
  readonly topics: readonly string[]
  /** What follows from the event, in the transaction in which it counts as delivered: so it happens exactly once. What must
   *  leave the database is written down here and sent by a job of its own. */
  handle(
    slice: Slice,
    event: OutboxMessage,
    tx: Transaction,
    run: Pick<JobRun, 'signal' | 'log'>,
  ): Promise<{ readonly rows?: number }>
}

/** Declares a subscriber. It is given each event at least once and handles it exactly once; those of one aggregate in the
 *  order in which they were committed, the next when the one before is handled or was given up. */
export function defineSubscriber<Slice>(declared: Declared<Slice>): Subscriber<Slice> {
  const { name, topics, queue, attemptsMax, backoffMs, timeoutMs, concurrency } = declared
  const job = defineJob<Slice, typeof eventSchema>({
    name,
    queue,
    payload: eventSchema,
    attemptsMax,
    backoffMs,
    timeoutMs,
    concurrency,
    whenGivenUp: 'dead-letter',
    run: (slice, event, run) =>
      run.once(async (tx) => {
        const isOpen = await endDelivery(tx, name, event.eventId)
        return isOpen ? declared.handle(slice, event, tx, run) : {}
      }),
  })
  return { name, topics, job }
}

/** False when it was handled before: the job ran a second time under another id, as a replay does. With the COMMIT the relay
 *  is told, where the next event of the aggregate waits for this one. */
async function endDelivery(tx: Transaction, subscriber: string, eventId: string): Promise<boolean> {
  const ended = await tx.run(sql`
    with ended as (
      update event_deliveries set outcome = 'done', ended_at = now()
       where event_id = ${eventId}::bigint and subscriber = ${subscriber} and outcome is distinct from 'done'
      returning aggregate_id
    )
    select case when exists (
      select from event_deliveries later
       where later.subscriber = ${subscriber} and later.aggregate_id = ended.aggregate_id
         and later.ended_at is null and later.event_id > ${eventId}::bigint)
      then pg_notify(${outboxChannel}, '') end
      from ended`)
  return ended.length > 0
}
