import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  cleanUp,
  launch,
  processesOf,
  readJson,
  temporaryDirectory,
} from '../support/laptop/launch.ts'

const execute = promisify(execFile)
const program = 'deploy/laptop/main.ts'
const parts = ['api/main.ts', 'worker/main.ts', 'admin/main.ts', 'migrations/demo/seed.ts']

describe('npm start as it is shipped', function () {
  this.timeout(90_000)

  before(function () {
    if (!parts.every((path) => existsSync(path))) {
      this.skip() // the processes and the demo are not in this tree yet
    }
  })
  after(cleanUp)

  it('serves the demo, twice in a row, and the printed curl lines work as printed', async () => {
    const directory = await temporaryDirectory()
    for (const run of ['first', 'second']) {
      const laptop = await launch(directory, {}, program)
      await laptop.untilSaid('Ctrl-C stops everything', 60_000)
      const lines = laptop.said().split('\n')
      const commands = lines.filter((line) => line.startsWith('curl '))
      expect(commands, `${run} start:\n${laptop.said()}`).to.have.lengthOf(2)
      for (const command of commands) {
        const { stdout } = await execute('/bin/sh', ['-c', `${command} --fail-with-body`])
        expect(JSON.parse(stdout)).to.be.an('object')
      }
      const summary = await readJson(join(directory, 'demo.json'))
      expect(Object.values(summary)).to.not.include(undefined)
      laptop.process.kill('SIGINT')
      expect(await laptop.exitCode).to.equal(0)
      expect(processesOf(directory)).to.deep.equal([])
    }
  })
})
