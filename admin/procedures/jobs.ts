import { z } from 'zod'
import { jobRunStates } from '#platform/delivery/job-run'
import { findLetters } from '#platform/queue/dead-letters'
import { findRuns } from '#platform/queue/find-runs'
import { readSchedules } from '#platform/queue/late-schedules'
import {
  getJob,
  readQueues,
  removeJob,
  replayLetters,
  retryJob,
  runNow,
} from '#platform/queue/operate-jobs'
import { adminProcedure, router } from '../trpc.ts'

/** Names of queues, jobs and ids of jobs; none of them holds a colon, and none is long. */
const word = z.string().regex(/^[\w.~-]{1,200}$/, 'must be a name as the lists give it')
const job = z.strictObject({ queue: word, jobId: z.string().min(1).max(300) })
const limit = z.int().min(1).max(100).default(20)
const lettersMax = 100

/** The work behind the reads: what runs, what was given up, and what operators do about it. Runs and dead letters are found in
 *  the database, so also those that a queue has forgotten. Every change is told in the log with the token that made it. */
export const jobs = router({
  /** How many jobs wait, run and failed in each queue, and how long the next one has waited. */
  queues: adminProcedure.query(({ ctx }) => readQueues(ctx.slice)),

  /** Runs of jobs, the latest first. */
  list: adminProcedure
    .input(
      z
        .strictObject({
          runId: z.uuid().optional(),
          jobId: z.string().min(1).max(300).optional(),
          queue: word.optional(),
          name: word.optional(),
          organisationId: z.uuid().optional(),
          state: z.enum(jobRunStates).optional(),
          text: z.string().min(3).max(200).optional(),
          traceId: z
            .string()
            .regex(/^[\da-f]{32}$/)
            .optional(),
          before: z.uuid().optional(),
          limit,
        })
        .prefault({}),
    )
    .query(async ({ ctx, input: { limit: count, ...filter } }) => {
      const runs = await findRuns(ctx.slice, filter, count + 1)
      return { runs: runs.slice(0, count), hasMore: runs.length > count }
    }),

  /** One job: what its queue says, all its runs, its dead letters. */
  get: adminProcedure.input(job).query(({ ctx, input }) => getJob(ctx.slice, input)),

  /** Runs a job again that was given up, as it was. */
  retry: adminProcedure.input(job).mutation(async ({ ctx, input }) => {
    const jobId = await retryJob(ctx.slice, input, { by: ctx.admin.tokenId })
    ctx.slice.log.info({ adminTokenId: ctx.admin.tokenId, ...input }, 'job retried on request')
    return { jobId }
  }),

  /** Runs a job again that was given up, with another payload: as a new job. */
  retryWith: adminProcedure
    .input(job.extend({ payload: z.json() }))
    .mutation(async ({ ctx, input: { payload, ...one } }) => {
      const { tokenId } = ctx.admin
      const jobId = await retryJob(ctx.slice, one, { by: tokenId, payload })
      ctx.slice.log.info(
        { adminTokenId: tokenId, ...one, newJobId: jobId },
        'job retried with another payload',
      )
      return { jobId }
    }),

  /** Enqueues what dead letters hold. */
  replay: adminProcedure
    .input(z.strictObject({ ids: z.array(z.uuid()).min(1).max(lettersMax) }))
    .mutation(async ({ ctx, input: { ids } }) => {
      const { tokenId } = ctx.admin
      const jobIds = await replayLetters(ctx.slice, ids, tokenId)
      ctx.slice.log.info({ adminTokenId: tokenId, jobIds }, 'dead letters replayed on request')
      return { jobIds }
    }),

  /** Takes a job out of its queue, and its dead letter off the list; it is not done. */
  remove: adminProcedure.input(job).mutation(async ({ ctx, input }) => {
    await removeJob(ctx.slice, input, { by: ctx.admin.tokenId })
    ctx.slice.log.info({ adminTokenId: ctx.admin.tokenId, ...input }, 'job removed on request')
    return { jobId: input.jobId }
  }),

  /** Nothing of the queue is begun any more, in any process; what runs goes on. */
  pause: adminProcedure.input(z.strictObject({ queue: word })).mutation(async ({ ctx, input }) => {
    await ctx.slice.queues.ask(input.queue, (queue) => queue.pause())
    ctx.slice.log.info({ adminTokenId: ctx.admin.tokenId, ...input }, 'queue paused on request')
    return { isPaused: true as const }
  }),

  resume: adminProcedure.input(z.strictObject({ queue: word })).mutation(async ({ ctx, input }) => {
    await ctx.slice.queues.ask(input.queue, (queue) => queue.resume())
    ctx.slice.log.info({ adminTokenId: ctx.admin.tokenId, ...input }, 'queue resumed on request')
    return { isPaused: false as const }
  }),

  /** Enqueues a job beside its schedule. */
  runNow: adminProcedure
    .input(z.strictObject({ queue: word, name: word, payload: z.json().default({}) }))
    .mutation(async ({ ctx, input: { payload, ...one } }) => {
      const jobId = await runNow(ctx.slice, one, payload)
      ctx.slice.log.info(
        { adminTokenId: ctx.admin.tokenId, ...one, jobId },
        'job enqueued on request',
      )
      return { jobId }
    }),

  /** What happens by itself, when it last did, and whether it is late. */
  schedules: adminProcedure.query(({ ctx }) => readSchedules(ctx.slice)),

  /** Jobs that were given up and that nothing else makes good. */
  deadLetters: adminProcedure
    .input(
      z
        .strictObject({
          queue: word.optional(),
          name: word.optional(),
          isOpen: z.boolean().default(true),
          limit,
        })
        .prefault({}),
    )
    .query(({ ctx, input: { limit: count, ...filter } }) => findLetters(ctx.slice, filter, count)),
})
