import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What the workers say of a schedule, so that anybody can see whether it is late. */
export const DeclaredSchedule = defineEntity({
  name: 'DeclaredSchedule',
  tableName: 'job_schedules',
  properties: {
    id: p.text().collation('C').primary(),
    queue: p.text().collation('C'),
    name: p.text().collation('C'),
    payload: p.json<object | string | number | boolean | null>(),
    /** In UTC; either this or `everyMs`. */
    cron: p.text().nullable(),
    everyMs: p.integer().nullable(),
    /** Since when it has this cadence: before, it cannot have been late. */
    firstDeclaredAt: p.datetime().columnType('timestamptz'),
    declaredAt: p.datetime().columnType('timestamptz'),
  },
})
export type DeclaredSchedule = InferEntity<typeof DeclaredSchedule>
