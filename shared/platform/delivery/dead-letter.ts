import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** Why a job was given up. */
export const deathReasons = [
  'attempts-used-up',
  'not-repeatable',
  'payload-invalid',
  'job-unknown',
  'stalled',
] as const
export type DeathReason = (typeof deathReasons)[number]

export const resolutions = ['replayed', 'discarded'] as const

/** A job that was given up and that nothing else makes good, until an operator replays or discards it. */
export const DeadLetter = defineEntity({
  name: 'DeadLetter',
  tableName: 'dead_letters',
  properties: {
    id: p.uuid().primary().defaultRaw('uuid_v7()'),
    queue: p.text().collation('C'),
    name: p.text().collation('C'),
    jobId: p.text().collation('C'),
    organisationId: p.uuid().nullable(),
    payload: p.json<object | string | number | boolean | null>(),
    reason: p.enum(deathReasons).collation('C'),
    error: p.text(),
    attempts: p.integer(),
    traceId: p.text().collation('C').nullable(),
    diedAt: p.datetime().columnType('timestamptz'),
    resolution: p.enum(resolutions).nullable(),
    resolvedAt: p.datetime().columnType('timestamptz').nullable(),
    /** The admin token of whoever decided. */
    resolvedBy: p.uuid().nullable(),
    /** The job that does its work now. */
    replayJobId: p.text().collation('C').nullable(),
  },
})
export type DeadLetter = InferEntity<typeof DeadLetter>
