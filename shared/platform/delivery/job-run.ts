import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

export const jobRunStates = ['active', 'completed', 'failed'] as const

/** One attempt of one job, from start to end. */
export const JobRun = defineEntity({
  name: 'JobRun',
  tableName: 'job_runs',
  properties: {
    id: p.uuid().primary(),
    queue: p.text().collation('C'),
    name: p.text().collation('C'),
    bullId: p.text().collation('C'),
    state: p.enum(jobRunStates),
    attempt: p.smallint(),
    startedAt: p.datetime().columnType('timestamptz'),
    finishedAt: p.datetime().columnType('timestamptz').nullable(),
    rowsAffected: p.integer().nullable(),
    error: p.text().nullable(),
    traceId: p.text().nullable(),
    /** For whom, where the payload says it. */
    organisationId: p.uuid().nullable(),
    payload: p.json<object | string | number | boolean>().nullable(),
    /** How far it is or was, 0 to 1, where it says so. */
    progressRatio: p.float().columnType('real').nullable(),
  },
})
export type JobRun = InferEntity<typeof JobRun>
