import { openCacheProcess, readMember, type CacheSetup } from '../cache-process.ts'
import { answerParent } from '../forked.ts'
import { machineMs } from '../machine-clock.ts'

// One of the processes that are asked for the same cold key at the same moment.

type Question = {
  readonly organisationId: string
  readonly id: string
  readonly readers: number
  /** On the monotonic clock of the machine, which all processes share. */
  readonly startAtMs: number
}

answerParent(async (setup: CacheSetup) => {
  const opened = await openCacheProcess(setup)
  return {
    /** Answers with how many distinct bodies were given, and to how many readers. */
    async answer({ organisationId, id, readers, startAtMs }: Question) {
      const read = readMember(opened, { organisationId, id })
      await opened.business.clock.sleep(Math.max(0, startAtMs - machineMs()))
      const served = await Promise.all(
        Array.from({ length: readers }, () => opened.cache.read(read)),
      )
      const bodies = new Set(served.map(({ held }) => held.body.toString()))
      return { bodies: [...bodies], answers: served.length }
    },
    close: opened.close,
  }
})
