import { survive } from '../failure/workers/redis-outage.ts'
import type { Scenario } from './scenario.ts'

const outagesSeconds = [3, 8, 30]
/** A worker that takes longer is taken for deaf. */
const consumedAfterMsMax = 25_000

/** Outages of the queues' Redis, and how soon a worker consumes again that nobody restarts. */
export const redisOutage: Scenario = {
  says: 'how soon a worker consumes again after Redis was away for 3, 8 and 30 s',
  needsServers: true,
  async run() {
    for (const seconds of outagesSeconds) {
      const outcome = await survive(seconds)
      if (!outcome) {
        console.log('left out, no Redis on PATH')
        return
      }
      const { consumedAfterMs, canaryAfterMs } = outcome
      console.log(
        `Redis away for ${seconds} s: a job done after ${consumedAfterMs} ms, the canary heard after ${canaryAfterMs} ms`,
      )
      if (consumedAfterMs > consumedAfterMsMax) {
        process.exitCode = 1
      }
    }
  },
}
