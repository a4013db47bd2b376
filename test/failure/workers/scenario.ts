import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { systemClock } from '#platform/clock'
import { createDice } from '../../bench/consistency/dice.ts'
import { eventually, openProcess, type Opened } from '../../platform/queue/fixture.ts'
import { slowJob } from './job.ts'

export type Place = { readonly databaseUrl: string; readonly redis: string | undefined }

/** What came of a try: how many jobs there were, and those whose effect is not there exactly once. */
export type WorkersOutcome = {
  readonly jobs: number
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  readonly deadLetters: number
}

/** Started processes, and the one that enqueues. */
class Yard {
  readonly queue: string
  readonly opened: Opened
  readonly #place: Place
  readonly #children = new Set<ChildProcess>()

  constructor(place: Place, opened: Opened) {
    this.queue = `yard-${new URL(place.databaseUrl).pathname.slice(1)}`
    this.#place = place
    this.opened = opened
  }

  async start(): Promise<ChildProcess> {
    const { databaseUrl, redis = '' } = this.#place
    const file = new URL('./worker-process.ts', import.meta.url)
    const child = fork(file, [databaseUrl, redis, this.queue])
    this.#children.add(child)
    await once(child, 'message')
    return child
  }

  async kill(child: ChildProcess): Promise<void> {
    this.#children.delete(child)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  enqueue(beforeMs: number, withinMs: number, afterMs: number): Promise<string> {
    return this.opened.queues.enqueue(slowJob(this.queue), { beforeMs, withinMs, afterMs })
  }

  /** Waits until nothing waits or runs. */
  async untilIdle(): Promise<void> {
    await eventually(async () => {
      const { waiting, active, delayed } = await this.opened.queues.counts(this.queue)
      return waiting + active + delayed === 0 ? true : undefined
    }, 60_000)
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      await this.kill(child)
    }
    await this.opened.lifecycle.stop()
  }
}

async function withYard<T>(place: Place, work: (yard: Yard) => Promise<T>): Promise<T> {
  const opened = await openProcess(place.databaseUrl, place.redis)
  await opened.db.run(sql`create table effects (job_id text not null)`)
  const yard = new Yard(place, opened)
  try {
    return await work(yard)
  } finally {
    await yard.close()
  }
}

/** In each round some jobs are enqueued, and the worker is killed with -9 at some moment while it does them; another goes on.
 *  Locks last a second here, so that a round takes three. */
export function killRounds(
  place: Place,
  { rounds, seed }: { readonly rounds: number; readonly seed: number },
  onRound: (round: number) => void = () => {},
): Promise<WorkersOutcome> {
  return withYard(place, async (yard) => {
    const dice = createDice(seed)
    const jobs: string[] = []
    let worker = await yard.start()
    for (let round = 1; round <= rounds; round += 1) {
      const enqueued = Array.from({ length: 4 }, () =>
        yard.enqueue(dice.below(150), dice.below(100), dice.below(100)),
      )
      jobs.push(...(await Promise.all(enqueued)))
      await systemClock.sleep(dice.below(350))
      const successor = yard.start()
      await yard.kill(worker)
      worker = await successor
      await yard.untilIdle()
      onRound(round)
    }
    return judge(yard.opened, jobs)
  })
}

/** A worker is stopped (SIGSTOP) in the middle of its jobs until others have taken them, and then goes on (SIGCONT). */
export function freezeRounds(place: Place, rounds: number): Promise<WorkersOutcome> {
  return withYard(place, async (yard) => {
    const jobs: string[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const frozen = await yard.start()
      jobs.push(
        ...(await Promise.all([
          yard.enqueue(300, 0, 0),
          yard.enqueue(300, 50, 0),
          yard.enqueue(0, 400, 0),
        ])),
      )
      await eventually(async () =>
        (await yard.opened.queues.counts(yard.queue)).active === 3 ? true : undefined,
      )
      frozen.kill('SIGSTOP')
      const other = await yard.start()
      await systemClock.sleep(2500)
      frozen.kill('SIGCONT')
      await yard.untilIdle()
      // what the thawed one still does must not come later than the judgement
      await systemClock.sleep(700)
      await yard.kill(frozen)
      await yard.kill(other)
    }
    return judge(yard.opened, jobs)
  })
}

async function judge({ db }: Opened, jobs: readonly string[]): Promise<WorkersOutcome> {
  const rows = await db.run(sql<{ job_id: string; count: number }>`
    select job_id, count(*)::int as count from effects group by job_id`)
  const counts = new Map(rows.map((row) => [row.job_id, row.count]))
  const [dead] = await db.run(
    sql<{ count: number }>`select count(*)::int as count from dead_letters`,
  )
  return {
    jobs: jobs.length,
    missing: jobs.filter((id) => !counts.has(id)),
    doubled: jobs.filter((id) => (counts.get(id) ?? 0) > 1),
    deadLetters: dead?.count ?? 0,
  }
}
