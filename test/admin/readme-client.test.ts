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
  })
  after(() => business.lifecycle.stop())

  /** What the compiler says of it; nothing when it is right. */
  async function compile(name: string, text: string): Promise<string> {
    await writeFile(join(directory, `${name}.ts`), text)
    const project = join(directory, `${name}.json`)
    const compilerOptions = { tsBuildInfoFile: join(directory, `${name}.tsbuildinfo`) }
    const settings = { extends: resolve('tsconfig.json'), compilerOptions, files: [`${name}.ts`] }
    await writeFile(project, JSON.stringify({ ...settings, include: [] }))
    return execute(resolve('node_modules/.bin/tsc'), ['--project', project]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
  }

  it('is there, compiles, and does what it says', async () => {
    expect(others).to.deep.equal([])
    expect(await compile('client', program)).to.equal('')
    const file = join(directory, 'client.ts')
    const { stdout } = await execute(process.execPath, [file], { env: environment })
    expect(JSON.parse(stdout)).to.deep.equal({
      status: 'healthy',
      entries: 0,
      after: { percentage: 25 },
      reason: 'slow start for the new lists',
    })
  })

  it('does not compile where a name is mistyped', async () => {
    const mistakes = [
      ['flags.set', 'flags.put'],
      ['limit: 1', 'limits: 1'],
      ['together.entries', 'together.entrys'],
    ] as const
    const text = mistakes.reduce((all, [right, wrong]) => all.replace(right, wrong), program)
    const said = await compile('mistyped', text)
    for (const word of ["'put'", "'limits'", "'entrys'"]) {
      expect(said).to.include(word)
    }
  })
})
