import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { issueAdminToken } from '#members'
import { startAdmin } from '../support/admin.ts'
import { openBusiness, type Business } from '../support/business.ts'
import { readmePrograms } from '../support/readme.ts'
import { runDirectory } from '../support/run-directory.ts'

const execute = promisify(execFile)

describe('the typed client of the README', function () {
  this.timeout(120_000)
  let business: Business
  let directory: string
  let environment: NodeJS.ProcessEnv
  let right: readonly string[]
  let wrong: readonly string[]
  // As it is written it stands at the top of the repository, where nothing else may stand.
  const [program = '', ...others] = readmePrograms().map((text) =>
    text.replaceAll(`'./admin/`, `'${resolve('admin')}/`),
  )

  before(async () => {
    business = await openBusiness()
    const { text } = await issueAdminToken(business, { name: 'Ada', role: 'operator' })
    const { PATH } = process.env
    environment = { PATH, ADMIN_URL: await startAdmin(business), ADMIN_TOKEN: text }
    directory = join(runDirectory(), `admin-client-${process.pid}`)
    await mkdir(directory)
    await writeFile(join(directory, 'package.json'), '{"type":"module"}')
    await symlink(resolve('node_modules'), join(directory, 'node_modules'))
    const mistakes = [
      ['flags.set', 'flags.put'],
      ['limit: 1', 'limits: 1'],
      ['together.entries', 'together.entrys'],
    ] as const
    const mistyped = mistakes.reduce((all, [one, other]) => all.replace(one, other), program)
    ;[right = [], wrong = []] = await compile({ client: program, mistyped })
  })
  after(() => business.lifecycle.stop())

  /** What the compiler says of each program; nothing where it is right. Together, for reading all that they import takes long. */
  async function compile(programs: Readonly<Record<string, string>>) {
    const names = Object.keys(programs).map((name) => `${name}.ts`)
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(join(directory, `${name}.ts`), text)
    }
    const project = join(directory, 'tsconfig.json')
    const compilerOptions = { tsBuildInfoFile: join(directory, 'client.tsbuildinfo') }
    const settings = { extends: resolve('tsconfig.json'), compilerOptions, files: names }
    await writeFile(project, JSON.stringify({ ...settings, include: [] }))
    const run = execute(resolve('node_modules/.bin/tsc'), ['--project', project], {
      cwd: directory,
    })
    const said = await run.then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    return names.map((name) => said.split('\n').filter((line) => line.startsWith(`${name}(`)))
  }

  it('is there, compiles, and does what it says', async () => {
    expect(others).to.deep.equal([])
    expect(right).to.deep.equal([])
    const file = join(directory, 'client.ts')
    const { stdout } = await execute(process.execPath, [file], { env: environment })
    expect(JSON.parse(stdout)).to.deep.equal({
      status: 'healthy',
      entries: 0,
      after: { percentage: 25 },
      reason: 'slow start for the new lists',
    })
  })

  it('does not compile where a name is mistyped', () => {
    for (const word of ["'put'", "'limits'", "'entrys'"]) {
      expect(wrong.join('\n')).to.include(word)
    }
  })
})
