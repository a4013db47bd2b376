import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cleanUp, processesOf, temporaryDirectory } from '../support/laptop/launch.ts'

describe('a run of the tests that was killed', () => {
  after(cleanUp)

  it('is cleaned up after by the next one, which leaves a run that goes on alone', async () => {
    const parent = await temporaryDirectory()
    const killed = await startRun(parent, 'with a server')
    const [directory = ''] = readdirSync(parent)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect(processesOf(join(parent, directory)), 'its orphans').to.not.deep.equal([])

    const second = await startRun(parent)
    expect(processesOf(join(parent, directory))).to.deep.equal([])
    const [kept = '', ...others] = readdirSync(parent)
    expect([kept.includes(`-${second.pid}-`), others]).to.deep.equal([true, []])

    const third = await startRun(parent)
    expect(readdirSync(parent)).to.have.lengthOf(2)
    second.kill('SIGKILL')
    third.kill('SIGKILL')
  })
})

/** A runner that makes its directory, perhaps starts a server in it, and stays. */
async function startRun(parent: string, ...words: readonly string[]) {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const runner = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '-e',
      `import { openRunDirectory } from ${module('../support/run-directory.ts')}
       import { startPostgres } from ${module('../../deploy/laptop/postgres.ts')}
       import { freePort } from ${module('../support/servers.ts')}
       const directory = await openRunDirectory(${JSON.stringify(parent)})
       if (process.argv.includes('with a server')) {
         await startPostgres({ directory: directory + '/postgres', port: await freePort(), password: 'test', settings: ['fsync=off'] })
       }
       console.log('started')
       setInterval(() => {}, 1000)`,
      ...words,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(runner.stdout, 'data')
  return runner
}
