import { sql } from 'kysely'
import type { Runner } from '../database/database.ts'

/** On it the relay is told that there may be something to do, by the trigger on `outbox_events` too. */
export const outboxChannel = 'tidegate_outbox'

/** What the relay wants to know of a subscriber. */
export type Audience = {
  readonly name: string
  readonly topics: readonly string[]
  readonly queue: string
}

/** An event that a subscriber is to be given now. */
export type Due = {
  readonly eventId: string
  readonly subscriber: string
  readonly topic: string
  readonly organisationId: string | null
  readonly aggregateId: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly traceParent: string | null
  readonly createdAt: string
}

/** The job that gives an event to a subscriber has the same id however often it is enqueued. */
export const deliveryJobId = (eventId: string, subscriber: string): string =>
  `event-${eventId}-${subscriber}`

/** Events that one call takes in. */
export const fanOutMax = 1000

/** Writes down for the oldest new events who is to be given them. One statement; while another process is at it, nothing is
 *  done: what it commits is seen whole by whoever looks for what is due, and never a later event without an earlier one of its
 *  aggregate.
 *  @returns how many events were taken in */
export async function fanOut(
  { db }: { readonly db: Runner },
  audiences: readonly Audience[],
): Promise<number> {
  const subscribers = audiences.map(({ name, topics }) => ({
    name,
    patterns: topics.map((topic) => topic.replace(/([%_\\])/g, '\\$1').replace(/\*$/, '%')),
  }))
  const [taken] = await db.run(sql<{ count: number }>`
    with gate as materialized (
      select pg_try_advisory_xact_lock(hashtext('outbox'), hashtext('fan-out')) as is_open
    ), fresh as materialized (
      select event.id, event.topic, event.aggregate_id
        from outbox_events event
       where event.published_at is null and (select is_open from gate)
       order by event.id limit ${fanOutMax}
         for update
    ), fanned as (
      insert into event_deliveries (event_id, subscriber, aggregate_id)
      select fresh.id, subscriber.name, fresh.aggregate_id
        from fresh
        join jsonb_to_recordset(${JSON.stringify(subscribers)}::jsonb) as subscriber (name text, patterns text[])
          on fresh.topic like any (subscriber.patterns)
      on conflict do nothing
    ), published as (
      update outbox_events set published_at = now() from fresh where outbox_events.id = fresh.id
      returning 1
    )
    select count(*)::integer as count from published`)
  return taken?.count ?? 0
}

/** Ends what was given up, so that the next event of its aggregate has its turn; it is replayed from its dead letter. */
export async function endDead(
  { db }: { readonly db: Runner },
  audiences: readonly Audience[],
): Promise<void> {
  const queues = JSON.stringify(audiences.map(({ name, queue }) => ({ name, queue })))
  await db.run(sql`
    update event_deliveries delivery set outcome = 'dead', ended_at = now()
      from jsonb_to_recordset(${queues}::jsonb) as subscriber (name text, queue text), dead_letters letter
     where delivery.ended_at is null and delivery.enqueued_at is not null
       and subscriber.name = delivery.subscriber
       and letter.queue = subscriber.queue
       and letter.job_id = 'event-' || delivery.event_id || '-' || delivery.subscriber
       and letter.resolution is null`)
}

export type ClaimOptions = {
  /** What was enqueued longer ago and is not done is enqueued again: its job may have been lost with a Redis. */
  readonly redeliverAfterMs: number
  readonly limit: number
}

/** Claims the deliveries that are due: of each subscriber and aggregate the first that is open. Two processes never claim the
 *  same. Oldest first.  @param audiences the subscribers that this process knows */
export function claimDue(
  { db }: { readonly db: Runner },
  audiences: readonly Audience[],
  { redeliverAfterMs, limit }: ClaimOptions,
): Promise<readonly Due[]> {
  return db.run(sql<Due>`
    with due as (
      select delivery.event_id, delivery.subscriber
        from event_deliveries delivery
       where delivery.ended_at is null
         and delivery.subscriber = any (${audiences.map(({ name }) => name)}::text[])
         and (delivery.enqueued_at is null
              or delivery.enqueued_at < now() - make_interval(secs => ${redeliverAfterMs / 1000}))
         and not exists (
           select from event_deliveries earlier
            where earlier.subscriber = delivery.subscriber and earlier.aggregate_id = delivery.aggregate_id
              and earlier.ended_at is null and earlier.event_id < delivery.event_id)
       order by delivery.event_id limit ${limit}
         for update skip locked
    ), claimed as (
      update event_deliveries set enqueued_at = now()
        from due
       where event_deliveries.event_id = due.event_id and event_deliveries.subscriber = due.subscriber
      returning event_deliveries.event_id, event_deliveries.subscriber
    )
    select event.id::text as "eventId", claimed.subscriber, event.topic, event.organisation_id as "organisationId",
           event.aggregate_id as "aggregateId", event.payload, event.trace_parent as "traceParent",
           to_json(event.created_at) #>> '{}' as "createdAt"
      from claimed join outbox_events event on event.id = claimed.event_id
     order by event.id`)
}

/** Gives back what could not be enqueued, so that it is claimed at the next turn and not only when it counts as lost. */
export async function unclaim(
  { db }: { readonly db: Runner },
  dues: readonly Pick<Due, 'eventId' | 'subscriber'>[],
): Promise<void> {
  await db.run(sql`
    update event_deliveries set enqueued_at = null
      from unnest(${dues.map(({ eventId }) => eventId)}::bigint[], ${dues.map(({ subscriber }) => subscriber)}::text[])
        as due (event_id, subscriber)
     where event_deliveries.event_id = due.event_id and event_deliveries.subscriber = due.subscriber
       and event_deliveries.ended_at is null`)
}
