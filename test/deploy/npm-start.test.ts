import { expect } from 'chai'
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
import { readmeCommands, toScript } from '../support/readme.ts'

const execute = promisify(execFile)
const program = 'deploy/laptop/main.ts'

describe('npm start as it is shipped', function () {
  this.timeout(120_000)
  let directory: string

  before(async () => {
    directory = await temporaryDirectory()
  })
  after(cleanUp)

  it('serves the demo, twice in a row, and the printed curl lines work as printed', async () => {
    for (const run of ['first', 'second']) {
      const laptop = await launch(directory, {}, program)
      await laptop.untilSaid('Ctrl-C stops everything', 90_000)
      const lines = laptop.said().split('\n')
      const commands = lines.filter((line) => line.startsWith('curl '))
      expect(commands, `${run} start:\n${laptop.said()}`).to.have.lengthOf(2)
      const [links, rates] = await Promise.all(commands.map(answerOf))
      expect(links).to.have.nested.property('data.length', 2)
      expect(links).to.have.nested.property('page.total', 25_900)
      expect(rates).to.have.nested.property('data.rates.length', 4)
      const summary = await readJson(join(directory, 'demo.json'))
      expect(Object.values(summary)).to.not.include(undefined)
      if (run === 'second') {
        await tryReadme()
      }
      laptop.process.kill('SIGINT')
      expect(await laptop.exitCode).to.equal(0)
      expect(processesOf(directory)).to.deep.equal([])
    }
  })

  async function answerOf(command: string): Promise<unknown> {
    const { stdout } = await execute('/bin/sh', ['-c', `${command} --fail-with-body`])
    return JSON.parse(stdout)
  }

  /** What a reader of README.md pastes into another terminal. */
  async function tryReadme(): Promise<void> {
    const blocks = readmeCommands()
    expect(blocks.length, 'blocks to run').to.be.at.least(3)
    const script = toScript(blocks, join(directory, 'demo.json'))
    const { stdout } = await execute('bash', ['-c', script])
    const [statuses = [], bodies = []] = halves(stdout.trim().split('\n'), (line) =>
      line.startsWith('Cache-Status: '),
    )
    expect(statuses).to.have.lengthOf(2)
    expect(statuses[1]).to.match(/: memory; hit; ttl=\d+/)
    const answers = bodies.map((line): unknown => JSON.parse(line))
    const asked = blocks.join('\n').match(/\bcurl (?!-sf -o)/g) ?? []
    expect(answers).to.have.lengthOf(asked.length)
    for (const answer of answers) {
      expect(answer).to.satisfy((one: object) => 'data' in one || 'result' in one)
    }
  }
})

function halves<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly (readonly T[])[] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}
