import { integer } from '../kinds.ts'
import { defineSettings } from '../setting.ts'

/** The queues: how soon a job is taken from a worker that died. */
export const queueSettings = defineSettings({
  QUEUE_LOCK_MS: {
    schema: integer({ min: 500, max: 600_000 }),
    standard: '30000',
    unit: 'ms',
    meaning:
      'How long a worker keeps a job without saying that it is alive, which it does twice in that time. Shorter: jobs of a killed worker run again sooner; longer: a worker that was only slow keeps its job.',
  },
  QUEUE_STALLED_CHECK_MS: {
    schema: integer({ min: 500, max: 600_000 }),
    standard: '30000',
    unit: 'ms',
    meaning: 'How often workers look for jobs whose worker died.',
  },
})
