import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** What the workers say of a job, for processes that cannot import it. */
export const DeclaredJob = defineEntity({
  name: 'DeclaredJob',
  tableName: 'job_definitions',
  properties: {
    queue: p.text().collation('C').primary(),
    name: p.text().collation('C').primary(),
    payloadSchema: p.json<Readonly<Record<string, unknown>>>(),
    attemptsMax: p.integer(),
    backoffMs: p.integer(),
    timeoutMs: p.integer(),
    concurrency: p.integer(),
    whenGivenUp: p.enum(['dead-letter', 'next-run']).collation('C'),
    /** When a worker last said so. */
    declaredAt: p.datetime().columnType('timestamptz'),
  },
})
export type DeclaredJob = InferEntity<typeof DeclaredJob>
