import { expect } from 'chai'
import { sql } from 'kysely'
import { findLetters } from '#platform/queue/dead-letters'
import { replayLetters } from '#platform/queue/operate-jobs'
import { declareJobs } from '#platform/queue/declare-jobs'
import { startWorkers } from '#platform/queue/workers'
import { startRelay } from '#platform/outbox/relay'
import { defineSubscriber, type OutboxMessage, type Subscriber } from '#platform/outbox/subscriber'
import { backends, calmLimits, eventually, processesOn, type Opened } from '../queue/fixture.ts'

const lantern = '01900000-0000-7000-8000-000000000001'
const ribbon = '01900000-0000-7000-8000-000000000002'

for (const kind of backends) {
  describe(`the relay of the outbox on ${kind}`, () => {
    const { open, databaseUrl } = processesOn(kind, 'by none')
    let count = 0

    type Handle = (event: OutboxMessage) => Promise<void> | void

    function subscriberOf(topics: readonly string[], handle: Handle): Subscriber<Opened> {
      count += 1
      const name = `${kind}-${process.pid}-${count}`
      return defineSubscriber<Opened>({
        name,
        queue: `relay-${name}`,
        topics,
        attemptsMax: 1,
        backoffMs: 10,
        timeoutMs: 5000,
        concurrency: 4,
        async handle(_slice, event) {
          await handle(event)
          return {}
        },
      })
    }

    function start(one: Opened, subscribers: readonly Subscriber<Opened>[]): void {
      const options = {
        databaseUrl: databaseUrl(),
        applicationName: 'relay-test',
        redeliverAfterMs: 60_000,
      }
      startWorkers(
        one,
        subscribers.map(({ job }) => job),
        calmLimits,
      )
      startRelay(one, subscribers, options)
    }

    const write = ({ db }: Opened, topic: string, aggregate = lantern, payload: object = {}) =>
      db.run(sql`
        insert into outbox_events (topic, aggregate_id, payload)
        values (${topic}, ${aggregate}::uuid, ${JSON.stringify(payload)}::jsonb)`)

    const untilDelivered = ({ db }: Opened) =>
      eventually(async () => {
        const [row] = await db.run(sql<{ open: string }>`
          select (select count(*) from outbox_events where published_at is null)
               + (select count(*) from event_deliveries where ended_at is null) as open`)
        return row?.open === '0' ? true : undefined
      })

    it('gives each subscriber the events that it names, one by one or all of a kind, and no others', async () => {
      const one = await open()
      const heard: Record<string, string[]> = { exact: [], all: [], none: [] }
      start(one, [
        subscriberOf(['shelf.filled'], ({ topic }) => void heard['exact']?.push(topic)),
        subscriberOf(['shelf.*'], ({ topic }) => void heard['all']?.push(topic)),
        // a wildcard of LIKE is none here
        subscriberOf(['shelf_filled', '%'], ({ topic }) => void heard['none']?.push(topic)),
      ])
      await write(one, 'shelf.filled')
      await write(one, 'shelf.emptied')
      await write(one, 'door.opened')
      await untilDelivered(one)
      expect(heard).to.deep.equal({
        exact: ['shelf.filled'],
        all: ['shelf.filled', 'shelf.emptied'],
        none: [],
      })
    })

    it('hands over what was written, whole', async () => {
      const one = await open()
      const heard: OutboxMessage[] = []
      start(one, [subscriberOf(['shelf.*'], (event) => void heard.push(event))])
      await write(one, 'shelf.filled', ribbon, { count: 3, of: { kind: 'ribbon' } })
      await untilDelivered(one)
      expect(heard).to.have.length(1)
      expect(heard[0]).to.deep.include({
        topic: 'shelf.filled',
        aggregateId: ribbon,
        payload: { count: 3, of: { kind: 'ribbon' } },
      })
    })

    it('goes on with an aggregate after an event that was given up, which is replayed later and once', async () => {
      const one = await open()
      const heard: unknown[] = []
      let isBroken = true
      const subscriber = subscriberOf(['shelf.*'], ({ payload }) => {
        if (isBroken && payload['n'] === 1) {
          throw new Error('the ladder is broken')
        }
        heard.push(payload['n'])
      })
      start(one, [subscriber])
      for (const n of [1, 2, 3]) {
        await write(one, 'shelf.filled', lantern, { n })
      }
      await untilDelivered(one)
      expect(heard).to.deep.equal([2, 3])
      const [letter] = await findLetters(one, { queue: subscriber.job.queue }, 10)
      expect(letter).to.include({ reason: 'attempts-used-up', error: 'the ladder is broken' })
      isBroken = false
      await declareJobs(one, [subscriber.job])
      const by = one.random.uuid()
      const ids = [letter?.id ?? '']
      expect(await replayLetters(one, ids, by)).to.deep.equal([`replay-${letter?.id}`])
      expect(await replayLetters(one, ids, by)).to.deep.equal([])
      await eventually(() => (heard.length === 3 ? true : undefined))
      expect(heard).to.deep.equal([2, 3, 1])
    })

    it('handles an event once though its job comes again under another id', async () => {
      const one = await open()
      let handled = 0
      const subscriber = subscriberOf(['shelf.*'], () => void (handled += 1))
      start(one, [subscriber])
      await write(one, 'shelf.filled')
      await untilDelivered(one)
      const [event] = await one.db.run(sql<{ id: string; at: string }>`
        select id::text, to_json(created_at) #>> '{}' as at from outbox_events`)
      const message = { eventId: event?.id ?? '', createdAt: event?.at ?? '' }
      const again = { ...message, topic: 'shelf.filled', aggregateId: lantern, payload: {} }
      const jobId = await one.queues.enqueue(subscriber.job, again)
      await eventually(async () =>
        (await one.queues.queue(subscriber.job.queue).getJobState(jobId)) === 'completed'
          ? true
          : undefined,
      )
      expect(handled).to.equal(1)
    })

    it('writes nothing down for a transaction that was rolled back', async () => {
      const one = await open()
      const heard: string[] = []
      start(one, [subscriberOf(['shelf.*'], ({ topic }) => void heard.push(topic))])
      await one.db
        .fork()
        .transactional(async (em) => {
          await em.execute(
            `insert into outbox_events (topic, aggregate_id, payload) values ('shelf.lost', '${lantern}', '{}')`,
          )
          throw new Error('no')
        })
        .catch(() => undefined)
      await write(one, 'shelf.filled')
      await untilDelivered(one)
      expect(heard).to.deep.equal(['shelf.filled'])
    })
  })
}
