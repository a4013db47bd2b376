import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { quietApplication } from '../../../shared/platform/cache/change.ts'
import { openCacheProcess } from '../cache-process.ts'
import { bareChannel, type DelaySetup, type Write } from '../delay.ts'
import { answerParent } from '../forked.ts'
import { machineMs } from '../machine-clock.ts'

// Process A: writes and acknowledges as the API does, or as psql would, and between two writes sends a bare message by the
// same way as the hint.

answerParent(async ({ url, redisUrl, kind }: DelaySetup) => {
  const isForeign = kind === 'foreign'
  const applicationName = isForeign ? 'psql' : quietApplication
  const pool = new Pool({ connectionString: url, application_name: applicationName, max: 2 })
  const opened = isForeign ? undefined : await openCacheProcess({ url, redisUrl })
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl)

  async function write(id: string, number: number): Promise<Write> {
    const text = 'update members set name = $2 where id = $1'
    await pool.query({ name: 'write', text, values: [id, String(number)] })
    const committedAtMs = machineMs()
    await opened?.cache.acknowledge()
    return { id, number, committedAtMs, acknowledgedAtMs: machineMs() }
  }

  async function sendBare(): Promise<void> {
    if (redis) {
      await redis.publish(bareChannel, String(machineMs()))
    } else if (isForeign) {
      await pool.query('select pg_notify($1, $2)', [bareChannel, String(machineMs())])
    }
  }

  const pause = (): Promise<unknown> =>
    new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4))

  return {
    async answer({ ids, rounds }: { readonly ids: readonly string[]; readonly rounds: number }) {
      const writes: Write[] = []
      for (let number = 1; number <= rounds; number += 1) {
        for (const id of ids) {
          writes.push(await write(id, number))
          await pause()
          await sendBare()
          await pause()
        }
      }
      return writes
    },
    async close() {
      redis?.disconnect()
      await pool.end()
      await opened?.close()
    },
  }
})
