import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { Problem } from '../problem.ts'
import type { Circuits } from '../resilience/circuits.ts'
import { resetCircuit } from '../resilience/operate-circuits.ts'
import type { Cache, InspectedTier } from './cache.ts'
import { keyTag } from './dependencies.ts'
import { forEachKept } from './each-kept.ts'
import type { CacheKey } from './entry.ts'
import type { Held } from './held.ts'
import type { RedisCallsSnapshot } from './redis-calls.ts'
import {
  question as questionSchema,
  questionsChannel,
  type CountArguments,
  type CountReply,
  type FiguresArguments,
  type InspectReply,
  type KeptAnswer,
  type NamedRead,
  type Question,
  type StatsReply,
  type WarmReply,
  type WarmSet,
} from './remote-question.ts'
import { formatSnapshot } from './snapshot.ts'

/** Says which answer a URL stands for, exactly as its route would.  @throws {Problem} when it is of none that is kept */
export type FindKey = (named: NamedRead) => { readonly key: CacheKey; readonly route: string }

/** Gives the figures that are asked for.  @throws {Problem} when there are none */
export type TellFigures = (asked: FiguresArguments) => Promise<object>

/** What of the process knows its routes, and its figures. */
export type Routes = {
  readonly findKey: FindKey
  /** Warms the cache.  @throws {Problem} where nothing can be warmed */
  readonly warm: (set: WarmSet) => Promise<WarmReply>
  readonly tellFigures: TellFigures
  readonly circuits: Circuits
}

type Needs = {
  readonly clock: Clock
  readonly log: Log
  readonly lifecycle: Pick<Lifecycle, 'background'>
}

const reply = `
  insert into cache_replies (request, process, body)
  values ($1, current_setting('application_name') || '/' || pg_backend_pid(), $2)`

/** Lets operators ask this process about its cache, from now on, and for its figures. A cache that keeps nothing is not
 *  asked. */
export function answerQuestions(cache: Cache, routes: Routes, needs: Needs): void {
  const { messages } = cache
  messages?.listen(questionsChannel, (payload) => {
    const question = parseQuestion(payload)
    if (question) {
      const answering = answer(cache, routes, needs, question).then((body) =>
        messages.send(reply, [question.id, JSON.stringify(body)]),
      )
      needs.lifecycle.background(
        'cache question',
        answering.catch((error: unknown) =>
          needs.log.warn({ err: error, kind: question.kind }, 'cache question not answered'),
        ),
      )
    }
  })
}

/** Undefined for what is none: another version of the product asks, or somebody who should not. */
function parseQuestion(payload: string): Question | undefined {
  try {
    return questionSchema.safeParse(JSON.parse(payload)).data
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined
    }
    throw error
  }
}

async function answer(
  cache: Cache,
  routes: Routes,
  needs: Needs,
  question: Question,
): Promise<{ readonly answer: unknown } | { readonly problem: string }> {
  try {
    return { answer: await find(cache, routes, needs, question) }
  } catch (error) {
    if (error instanceof Problem) {
      return { problem: error.detail }
    }
    throw error
  }
}

async function find(
  cache: Cache,
  { findKey, warm, tellFigures, circuits }: Routes,
  needs: Needs,
  question: Question,
): Promise<object> {
  switch (question.kind) {
    case 'stats':
      return describeCache(cache, needs)
    case 'count':
      return count(cache, needs, question.arguments)
    case 'inspect':
      return inspect(cache, needs, findKey(question.arguments))
    case 'figures':
      return tellFigures(question.arguments)
    case 'reset':
      return resetCircuit(circuits, question.arguments.circuit)
    case 'warm':
      break
  }
  return warm(question.arguments.set)
}

async function describeCache(cache: Cache, { clock }: Needs): Promise<StatsReply> {
  const tables: Record<string, number> = {}
  await forEachKept(cache, clock, (held) => {
    for (const table of held.tables) {
      tables[table] = (tables[table] ?? 0) + 1
    }
  })
  const { epoch, confirmedAgoMs, redis, ...report } = cache.report()
  return {
    ...report,
    ...(epoch !== undefined && { epoch }),
    confirmedAgoMs: Number.isFinite(confirmedAgoMs) ? Math.round(confirmedAgoMs) : null,
    tables,
    ...(redis && { redis: describeRedis(redis) }),
  }
}

function describeRedis({ breaker, isConnected, errors, droppedCount }: RedisCallsSnapshot) {
  return { circuit: breaker.state, isConnected, errors, dropped: droppedCount }
}

async function count(cache: Cache, { clock }: Needs, asked: CountArguments): Promise<CountReply> {
  const routes: Record<string, { entries: number; hits: number }> = {}
  const total = { entries: 0, bytes: 0, hits: 0 }
  const isMeant = 'tags' in asked ? carriesAny(asked.tags) : () => true
  await forEachKept(cache, clock, (held) => {
    if (isMeant(held) && cache.isCurrent(held)) {
      const route = (routes[held.route] ??= { entries: 0, hits: 0 })
      route.entries += 1
      route.hits += held.hits
      total.entries += 1
      total.hits += held.hits
      total.bytes += held.body.length + held.encodedBytes
    }
  })
  return { ...total, routes }
}

/** What the change log decides once the tags have arrived. */
function carriesAny(tags: readonly string[]): (held: Held) => boolean {
  const named = new Set(tags)
  return ({ key, dependencies }) =>
    named.has(keyTag(key)) ||
    dependencies.tags.some((tag) => named.has(tag)) ||
    dependencies.memberships.some(({ collection }) => named.has(collection))
}

async function inspect(
  cache: Cache,
  { clock }: Needs,
  { key, route }: ReturnType<FindKey>,
): Promise<InspectReply> {
  const { memory, redis } = await cache.inspect(key)
  const nowMs = clock.monotonicMs()
  return {
    key,
    route,
    ...(memory && { memory: describeKept(memory, nowMs) }),
    ...(redis && { redis: describeKept(redis, nowMs) }),
  }
}

function describeKept({ held, isCurrent }: InspectedTier, nowMs: number): KeptAnswer {
  const { status, etag, body, hits, stamp, dependencies, validUntilMs } = held
  return {
    status,
    isCurrent,
    etag,
    bytes: body.length,
    codings: [...held.encoded.keys()],
    hits,
    stamp: { epoch: stamp.epoch, snapshot: formatSnapshot(stamp.snapshot) },
    dependencies: { tags: [...dependencies.tags], memberships: [...dependencies.memberships] },
    ageSeconds: Math.floor((nowMs - held.sentAtMs) / 1000),
    freshForSeconds: Math.floor((held.freshUntilMs - nowMs) / 1000),
    staleForSeconds: Math.floor((held.staleUntilMs - nowMs) / 1000),
    ...(validUntilMs !== undefined && { validUntil: new Date(validUntilMs).toISOString() }),
  }
}
