import { defineEntity, p, type InferEntity } from '@mikro-orm/core'

/** How the processes did at a moment, under a name, to compare another moment with. */
export const Baseline = defineEntity({
  name: 'Baseline',
  tableName: 'baselines',
  properties: {
    name: p.text().collation('C').primary(),
    takenAt: p.datetime().columnType('timestamptz'),
    /** The admin token. */
    takenBy: p.uuid(),
    figures: p.json<Readonly<Record<string, number>>>(),
    /** Fingerprints of the statements that were slow. */
    slow: p.array().columnType('text[]'),
  },
})
export type Baseline = InferEntity<typeof Baseline>
