import type { Cache } from '#platform/cache/cache'
import { pruneDemand, questionsMax, writeDemand, type Wanted } from '#platform/cache/demand-table'
import { forEachKept } from '#platform/cache/each-kept'
import { isOutage } from '#platform/database/outage'
import type { Runner } from '#platform/database/database'
import type { Platform } from '#platform/platform'

type Needs = Pick<Platform, 'clock' | 'random' | 'log' | 'lifecycle'> & {
  readonly cache: Cache
  readonly db: Runner
}

/** A process that dies without a word is forgotten at most so much of. */
const everyMs = 30_000

/** Writes down every half minute, and when the process stops, what its readers asked for, so that the next process knows. */
export function recordDemand(needs: Needs): { readonly record: () => Promise<void> } {
  const { clock, random, lifecycle } = needs
  const stopped = new AbortController()
  async function follow(): Promise<void> {
    while (!stopped.signal.aborted) {
      // Processes that were started together need not write together.
      const delayMs = everyMs * (0.9 + 0.2 * random.fraction())
      await clock.sleep(delayMs, stopped.signal).catch(() => undefined)
      await record(needs)
    }
  }
  const following = follow()
  lifecycle.background('cache demand', following)
  lifecycle.defer('cache demand', async () => {
    stopped.abort()
    await following
  })
  return { record: () => record(needs) }
}

/** Only what names nobody: texts that may be of a person, searches that few have asked for, and whatever one member reads,
 *  stay in this process. */
async function record({ cache, clock, db, log }: Needs): Promise<void> {
  const found: Wanted[] = []
  await forEachKept(cache, clock, ({ demand, hits }) => {
    if (demand?.isTellable(hits)) {
      found.push({ question: demand.question, reads: demand.since('recording', hits) })
      demand.looked('recording', hits)
    }
  })
  const wanted = found
    .filter(({ reads }) => reads > 0)
    .toSorted((one, other) => other.reads - one.reads)
    .slice(0, questionsMax)
  try {
    if (wanted.length > 0) {
      await writeDemand(db, wanted)
      await pruneDemand(db)
    }
  } catch (error) {
    // What is lost is half a minute of a hint; of an outage others speak.
    log[isOutage(error) ? 'debug' : 'warn']({ err: error }, 'cache demand not written down')
  }
}
