import { z } from 'zod'
import recorded from './examples.json' with { type: 'json' }

const schema = z.object({
  /** By operation: what was sent, and what came back by status. */
  operations: z.record(
    z.string(),
    z.object({
      request: z.unknown().optional(),
      responses: z.partialRecord(z.enum(['200', '201', '503']), z.unknown()),
    }),
  ),
  /** By slug. */
  problems: z.record(z.string(), z.looseObject({ type: z.string() })),
})

export type Examples = z.infer<typeof schema>
export type Example = {
  readonly request?: unknown
  readonly responses: Readonly<Record<string, unknown>>
}

/** Answers that this API really gave, recorded by test/api/openapi.test.ts. */
export function readExamples(): Examples {
  return schema.parse(recorded)
}
