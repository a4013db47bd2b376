import { z } from 'zod'

// What operators ask the processes that keep answers, and what those say. It goes through PostgreSQL, which all of them are
// connected to in every mode: the question by NOTIFY, the answers as rows of `cache_replies`.

/** The channel on which questions are sent. */
export const questionsChannel = 'cache_requests'

/** The applications that listen there: the connections by which the change log is followed. */
export const listenerSuffix = '-changes'

const url = z.strictObject({
  url: z.string(),
  organisationId: z.string().exactOptional(),
  memberId: z.string().exactOptional(),
})

/** A read by its URL, and whom it was made for; for everybody when nobody is named. */
export type NamedRead = z.infer<typeof url>

const countArguments = z.union([
  z.strictObject({ tags: z.array(z.string()) }),
  z.strictObject({ isEverything: z.literal(true) }),
])

/** Which answers are counted. */
export type CountArguments = z.infer<typeof countArguments>

/** What can be warmed: what the resources declare; what readers asked for most, as all processes wrote it down; the first
 *  pages of active members; and what is kept here, is in demand, and has not long to live. */
export const warmSets = ['declared', 'hot', 'members', 'expiring'] as const
export type WarmSet = (typeof warmSets)[number]

/** What a process can tell of itself, beside its cache. */
export const figureKinds = [
  'snapshot',
  'series',
  'slow',
  'repeated',
  'plan',
  'budgets',
  'lifetimes',
  'circuits',
] as const
export type FigureKind = (typeof figureKinds)[number]

const lifetime = z.object({ freshSeconds: z.number(), staleSeconds: z.number() })
/** What each class lives in one process. */
export const lifetimesReply = z.object({
  volatile: lifetime,
  short: lifetime,
  medium: lifetime,
  long: lifetime,
})

const figuresArguments = z.strictObject({
  about: z.enum(figureKinds),
  /** The statement whose plan is asked for. */
  fingerprint: z.string().exactOptional(),
})
export type FiguresArguments = z.infer<typeof figuresArguments>

/** A question, without its number. */
export const question = z.discriminatedUnion('kind', [
  z.strictObject({ id: z.uuid(), kind: z.literal('stats'), arguments: z.strictObject({}) }),
  z.strictObject({ id: z.uuid(), kind: z.literal('count'), arguments: countArguments }),
  z.strictObject({ id: z.uuid(), kind: z.literal('inspect'), arguments: url }),
  z.strictObject({
    id: z.uuid(),
    kind: z.literal('warm'),
    arguments: z.strictObject({ set: z.enum(warmSets) }),
  }),
  z.strictObject({
    id: z.uuid(),
    kind: z.literal('reset'),
    arguments: z.strictObject({ circuit: z.string() }),
  }),
  z.strictObject({ id: z.uuid(), kind: z.literal('figures'), arguments: figuresArguments }),
])
export type Question = z.infer<typeof question>

const counts = z.record(z.string(), z.number())

/** How Redis answers one process: the state of its circuit, errors by kind, answers that could not be stored. */
const redisReply = z.object({
  circuit: z.string(),
  isConnected: z.boolean(),
  errors: counts,
  dropped: z.number(),
})

/** What one process says of its cache. */
export const statsReply = z.object({
  tiers: z.string(),
  entries: z.number(),
  bytes: z.number(),
  bytesMax: z.number(),
  evicted: z.number(),
  /** Absent before the first look at the change log. */
  epoch: z.string().exactOptional(),
  changes: z.number(),
  /** Null while the change log was never followed. */
  confirmedAgoMs: z.number().nullable(),
  counters: counts,
  /** Absent where Redis is no tier. */
  redis: redisReply.exactOptional(),
  routes: z.record(
    z.string(),
    z.object({
      outcomes: counts,
      reasons: counts,
      redisHits: z.number(),
      collapsed: z.number(),
      fillMs: z.number(),
    }),
  ),
  /** Answers by the tables that they were made from; one of three tables counts three times. */
  tables: counts,
})
export type StatsReply = z.infer<typeof statsReply>

/** What one process keeps in its memory of what was asked about. Only what is true, for nothing else can be lost. */
export const countReply = z.object({
  entries: z.number(),
  bytes: z.number(),
  hits: z.number(),
  routes: z.record(z.string(), z.object({ entries: z.number(), hits: z.number() })),
})
export type CountReply = z.infer<typeof countReply>

const keptAnswer = z.object({
  status: z.number(),
  /** Nothing is known against it. */
  isCurrent: z.boolean(),
  etag: z.string(),
  bytes: z.number(),
  codings: z.array(z.string()),
  /** Times that this process served it. */
  hits: z.number(),
  stamp: z.object({ epoch: z.string(), snapshot: z.string() }),
  dependencies: z.object({ tags: z.array(z.string()), memberships: z.array(z.unknown()) }),
  ageSeconds: z.number(),
  /** Remaining life; negative once it is over. */
  freshForSeconds: z.number(),
  /** Until then it is served while a new one is fetched. */
  staleForSeconds: z.number(),
  /** The instant at which the clock makes it untrue. */
  validUntil: z.iso.datetime().exactOptional(),
})
export type KeptAnswer = z.infer<typeof keptAnswer>

/** What one process knows of one answer. */
export const inspectReply = z.object({
  key: z.string(),
  route: z.string(),
  memory: keptAnswer.exactOptional(),
  redis: keptAnswer.exactOptional(),
})
export type InspectReply = z.infer<typeof inspectReply>

/** What one process did to warm its cache: answers that it kept already, found in Redis, fetched; that could not be kept, and
 *  that could not be fetched. */
export const warmReply = z.object({
  kept: z.number(),
  found: z.number(),
  filled: z.number(),
  refused: z.number(),
  failed: z.number(),
  /** False: the process stopped meanwhile, or the database did not answer. */
  isComplete: z.boolean(),
  ms: z.number(),
})
export type WarmReply = z.infer<typeof warmReply>
