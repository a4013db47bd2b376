import { Pool } from 'pg'
import { answerParent } from '../forked.ts'

// A foreign writer: no process of the product, so its changes are told by NOTIFY. It changes the name of one member after
// another, so many times a second whatever the answers take.

type Setup = {
  readonly url: string
  readonly ids: readonly string[]
  readonly writesPerSecond: number
}

/** Statements that may be under way; a database that cannot keep up gets fewer than it should. */
const pendingMax = 8

answerParent(async ({ url, ids, writesPerSecond }: Setup) => {
  const pool = new Pool({ connectionString: url, application_name: 'psql', max: pendingMax })
  let timer: NodeJS.Timeout | undefined
  let [pending, written, startedAtMs] = [0, 0, 0]

  function writeDue(): void {
    const due = ((performance.now() - startedAtMs) / 1000) * writesPerSecond
    while (written + pending < due && pending < pendingMax) {
      pending += 1
      const values = [ids[(written + pending) % ids.length], `Member ${written + pending}`]
      void pool
        .query({ name: 'write', text: 'update members set name = $2 where id = $1', values })
        .then(() => {
          pending -= 1
          written += 1
        })
    }
  }

  return {
    /** Starts, or stops and says how many writes a second there were. */
    async answer(question: 'start' | 'stop') {
      if (question === 'start') {
        written = 0
        startedAtMs = performance.now()
        timer = setInterval(writeDue, 1)
        return 0
      }
      clearInterval(timer)
      return (1000 * written) / (performance.now() - startedAtMs)
    },
    close: () => pool.end(),
  }
})
