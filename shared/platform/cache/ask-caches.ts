import { sql } from 'kysely'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Runner } from '../database/database.ts'
import { Problem } from '../problem.ts'
import type { Random } from '../random.ts'
import { resetReply, type ResetReply } from '../resilience/operate-circuits.ts'
import { problems } from './problems.ts'
import {
  countReply,
  inspectReply,
  listenerSuffix,
  questionsChannel,
  statsReply,
  warmReply,
  type CountArguments,
  type CountReply,
  type FiguresArguments,
  type InspectReply,
  type NamedRead,
  type Question,
  type StatsReply,
  type WarmReply,
  type WarmSet,
} from './remote-question.ts'

type Slice = {
  readonly db: Runner
  readonly clock: Clock
  readonly random: Random
  /** Who has not answered by then is left out. */
  readonly cachePatienceMs: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

/** What the processes say that keep answers. */
export type Replies<T> = {
  /** How many there are, by the connections on which they follow the changes. One that is just connecting again is none. */
  readonly known: number
  readonly answered: number
  /** In the order of their names, which hold until they connect again. */
  readonly answers: readonly { readonly process: string; readonly answer: T }[]
  /** What those say who cannot answer, each text once. */
  readonly refusals: readonly string[]
}

const pauseMs = 5
/** Whoever takes long to answer is not asked so often. */
const pauseMsMax = 100
/** PostgreSQL takes less than 8000 bytes in a notification. */
const questionBytesMax = 7_999

/** Asks every process how its cache is doing. */
export const askStatistics = (slice: Slice): Promise<Replies<StatsReply>> =>
  ask(slice, { kind: 'stats', arguments: {} }, statsReply)

/** Asks every process for some of its figures.  @param schema what such figures look like */
export const askFigures = <T>(
  slice: Slice,
  asked: FiguresArguments,
  schema: z.ZodType<T>,
): Promise<Replies<T>> => ask(slice, { kind: 'figures', arguments: asked }, schema)

/** Asks every process what it keeps in memory of these answers.
 *  @throws {Problem} cache/question-too-long */
export const askCount = (slice: Slice, asked: CountArguments): Promise<Replies<CountReply>> =>
  ask(slice, { kind: 'count', arguments: asked }, countReply)

/** Asks every process what it knows of the answer to a URL.
 *  @throws {Problem} cache/question-too-long; cache/not-kept when it is of no read that is kept; cache/nobody-answered */
export async function askAbout(slice: Slice, named: NamedRead): Promise<Replies<InspectReply>> {
  const replies = await ask(slice, { kind: 'inspect', arguments: named }, inspectReply)
  const [refusal] = replies.refusals
  if (replies.answers.length === 0) {
    throw refusal === undefined
      ? new Problem(problems.nobodyAnswered, `None of ${replies.known} processes has answered.`)
      : new Problem(problems.notKept, refusal)
  }
  return replies
}

/** Has every process warm its cache. Give it the patience that this takes, which is seconds.
 *  @throws {Problem} cache/nobody-answered when there are processes and none has answered */
export async function askWarm(slice: Slice, set: WarmSet): Promise<Replies<WarmReply>> {
  const replies = await ask(slice, { kind: 'warm', arguments: { set } }, warmReply)
  if (replies.known > 0 && replies.answered === 0) {
    throw new Problem(problems.nobodyAnswered, `None of ${replies.known} processes has answered.`)
  }
  return replies
}

/** Has every process close its circuit of this name; those that have none say so.  @throws {Problem} cache/question-too-long */
export const askReset = (slice: Slice, circuit: string): Promise<Replies<ResetReply>> =>
  ask(slice, { kind: 'reset', arguments: { circuit } }, resetReply)

/** Answers that they fetched or took over from each other; what they kept already does not count. */
export const warmedCount = ({ answers }: Replies<WarmReply>): number =>
  answers.reduce((sum, { answer: { filled, found } }) => sum + filled + found, 0)

type Unnumbered = { [K in Question['kind']]: Omit<Extract<Question, { kind: K }>, 'id'> }

async function ask<T>(
  slice: Slice,
  asked: Unnumbered[keyof Unnumbered],
  schema: z.ZodType<T>,
): Promise<Replies<T>> {
  const id = slice.random.uuid()
  const payload = JSON.stringify({ id, ...asked })
  if (Buffer.byteLength(payload) > questionBytesMax) {
    const detail = `The question has ${Buffer.byteLength(payload)} bytes; ${questionBytesMax} fit.`
    throw new Problem(problems.questionTooLong, detail)
  }
  try {
    await slice.db.run(sql`select pg_notify(${questionsChannel}, ${payload})`)
    return sort(await collect(slice, id), schema)
  } finally {
    await forget(slice, id)
  }
}

type Row = { readonly process: string; readonly body: string | null }

/** Waits until all have answered that are there, or the time is up. */
async function collect(
  { db, clock, cachePatienceMs, signal }: Slice,
  id: string,
): Promise<readonly Row[]> {
  const deadlineMs = clock.monotonicMs() + cachePatienceMs
  for (let waitMs = pauseMs; ; waitMs = Math.min(1.2 * waitMs, pauseMsMax)) {
    const rows = await db.run(sql<Row>`
      select listener.process, reply.body::text as body
        from (select application_name || '/' || pid as process
                from pg_stat_activity
               where datname = current_database()
                 and right(application_name, ${listenerSuffix.length}) = ${listenerSuffix}) as listener
        left join cache_replies as reply on reply.request = ${id} and reply.process = listener.process
       order by 1`)
    if (rows.every(({ body }) => body !== null) || clock.monotonicMs() >= deadlineMs) {
      return rows
    }
    await clock.sleep(waitMs, signal)
  }
}

/** Together with replies that came too late for whoever had asked. */
async function forget({ db }: Slice, id: string): Promise<void> {
  await db.run(sql`
    delete from cache_replies where request = ${id} or at < clock_timestamp() - interval '1 minute'`)
}

/** What another version of the product says in a form that is not known here counts as not answered. */
function sort<T>(rows: readonly Row[], schema: z.ZodType<T>): Replies<T> {
  const reply = z.union([z.object({ answer: schema }), z.object({ problem: z.string() })])
  const said = rows.flatMap(({ process, body }) => {
    const { data } = reply.safeParse(body === null ? undefined : JSON.parse(body))
    return data ? [{ process, said: data }] : []
  })
  return {
    known: rows.length,
    answered: said.length,
    answers: said.flatMap(({ process, said: one }) =>
      'answer' in one ? [{ process, answer: one.answer }] : [],
    ),
    refusals: [
      ...new Set(said.flatMap(({ said: one }) => ('problem' in one ? [one.problem] : []))),
    ],
  }
}
