import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { generate } from 'orval'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, ecbRates, openBusiness, publishRates } from '../support/business.ts'
import { documentOf } from '../support/document.ts'
import { addLinks } from '../support/links.ts'
import { runDirectory } from '../support/run-directory.ts'

// What the document is for: a client that is generated from it knows every name, compiles and works.

/** A caller's program. It is compiled, and run as it stands here. */
const program = `
import { createPaymentLink, getPaymentLink, listPaymentLinks, type Problem } from './client.ts'

export async function use(key: string) {
  const options = { headers: { Authorization: \`Bearer \${key}\` } }
  const first = await listPaymentLinks({ limit: 2, status: ['open', 'draft'], expand: ['items'] }, options)
  if (first.status !== 200) {
    throw new Error('no page')
  }
  const cursor: string | undefined = first.data.page.nextCursor
  const status = ['open', 'draft'] as ('open' | 'draft')[]
  const next = await listPaymentLinks({ limit: 2, status, ...(cursor && { cursor }) }, options)
  if (next.status !== 200) {
    throw new Error('no next page')
  }
  const made = await createPaymentLink(
    { amount: { amount: 1050, currency: 'GBP' }, description: 'Lantern' },
    { headers: { ...options.headers, 'Content-Type': 'application/json', 'Idempotency-Key': 'one' } },
  )
  if (made.status !== 201) {
    throw new Error('not made')
  }
  const missing = await getPaymentLink('nothing', {}, options)
  const problem: Problem | undefined = missing.status === 404 ? missing.data : undefined
  const exponent: number | undefined = made.data.data.amount?.exponent
  return {
    items: first.data.data[0]?.items?.data.map(({ name }) => name),
    ids: [...first.data.data, ...next.data.data].map(({ id }) => id),
    exponent,
    problem: problem?.type,
  }
}
`

const settings = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'dom', 'dom.iterable'],
    module: 'nodenext',
    types: [],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
  },
}

describe('a client that is generated from the document', () => {
  let api: Api
  let key: string
  let directory: string
  let stop: () => Promise<void>

  before(async () => {
    const business = await openBusiness({ fx: { providers: ['ecb'] } })
    stop = () => business.lifecycle.stop()
    const tenant = await addTenant(business, 'harbour')
    key = tenant.secretKey
    await publishRates(business, ecbRates)
    await addLinks(business, tenant, 5)
    api = await startApi(business)
    directory = join(runDirectory(), `client-${process.pid}`)
    await mkdir(directory)
    await writeFile(join(directory, 'openapi.json'), JSON.stringify(documentOf()))
    await writeFile(join(directory, 'package.json'), '{"type":"module"}')
    await generate({
      input: { target: join(directory, 'openapi.json') },
      output: { target: join(directory, 'client.ts'), client: 'fetch', baseUrl: api.origin },
    })
  })
  after(() => stop())

  /** What the compiler says of a program beside the client; nothing when it is right. */
  async function compile(name: string, text: string): Promise<string> {
    await writeFile(join(directory, `${name}.ts`), text)
    const project = join(directory, `${name}.json`)
    await writeFile(project, JSON.stringify({ ...settings, files: [`${name}.ts`] }))
    const run = promisify(execFile)(resolve('node_modules/.bin/tsc'), ['--project', project])
    return run.then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
  }

  it('compiles, and lists, pages, writes and fails as it says', async () => {
    expect(await compile('program', program)).to.equal('')
    const { use } = await import(join(directory, 'program.ts'))
    const { ids, ...rest } = await use(key)
    expect(new Set(ids).size).to.equal(4)
    expect(rest).to.deep.equal({
      items: ['Lantern', 'Ribbon'],
      exponent: 2,
      problem: `${api.origin}/problems/read/not-found`,
    })
  })

  const mistakes: [string, string, string, string][] = [
    ['a field', 'data.amount?.exponent', 'data.amout?.exponent', 'amout'],
    ['a filter', 'limit: 2, status: [', 'limit: 2, stat: [', "'stat'"],
    ['a value of a filter', "status: ['open', 'draft']", "status: ['opened', 'draft']", 'opened'],
    ['an expansion', "expand: ['items']", "expand: ['item']", '\'"item"\''],
  ]
  for (const [index, [what, right, wrong, word]] of mistakes.entries()) {
    it(`does not compile where ${what} is mistyped`, async () => {
      expect(program).to.include(right)
      const said = await compile(`mistake${index}`, program.replace(right, wrong))
      expect(said).to.include(`mistake${index}.ts`).and.include(word)
    })
  }
})
