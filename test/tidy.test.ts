import { expect } from 'chai'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'

// What no linter can know, because it is about this project.

const read = (path: string) => readFileSync(path, 'utf8')

const filesUnder = (root: string) =>
  existsSync(root)
    ? readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts') && !path.includes('node_modules/'))
        .map((path) => `${root}/${path}`)
        .toSorted()
    : []

const sources = ['api', 'worker', 'admin', 'shared', 'migrations', 'deploy'].flatMap(filesUnder)

/** The text without its comments; a comment may name what code may not use. */
const codeOf = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

/** what may not be written, where it may all the same, and what to use instead */
type Ban = readonly [RegExp, RegExp, string]

const bannedInCode: readonly Ban[] = [
  [
    /(?<![.\w'])process\.\w+/,
    /(^|\/)main\.ts$|^shared\/platform\/telemetry\/register\.ts$|^deploy\//,
    'a value from Config, passed on',
  ],
  [
    /\bnew Date\(\)|\bDate\.now\(|\bperformance\.now\(|\bsetInterval\(/,
    /^shared\/platform\/clock\.ts$/,
    'the Clock that you were passed',
  ],
  [
    /\bMath\.random\(|\brandomUUID\w*\(/,
    /^shared\/platform\/random\.ts$/,
    'the Random that you were passed',
  ],
]

const bannedAnywhere: readonly Ban[] = [
  [/\bas any\b|@ts-ignore|@ts-nocheck|@ts-expect-error/, /^$/, 'a parse at the border'],
  [/\bFIXME\b|\bHACK\b|\bTODO\b(?! #\d)/, /^$/, 'a fix, or TODO #issue'],
]

/** Every use of something banned in a text that stands at this path. */
function complaints(path: string, text: string): readonly string[] {
  const find = (content: string) => (ban: Ban) => {
    const [pattern, exempt, instead] = ban
    const found = exempt.test(path) ? undefined : pattern.exec(content)?.[0]
    return found === undefined ? [] : [`${path}: ${found}, use ${instead}`]
  }
  return [...bannedInCode.flatMap(find(codeOf(text))), ...bannedAnywhere.flatMap(find(text))]
}

describe('the sources', () => {
  it('take time, randomness and the environment as arguments, and cast nothing away', () => {
    expect(sources.flatMap((path) => complaints(path, read(path)))).to.deep.equal([])
  })

  const planted: [string, string][] = [
    ['shared/fx/a.ts', 'const region = process.env.REGION'],
    ['api/app.ts', 'process.exit(1)'],
    ['worker/jobs/a.ts', 'const at = new Date()'],
    ['shared/platform/cache/a.ts', 'const at = Date.now()'],
    ['shared/platform/cache/b.ts', 'const at = performance.now()'],
    ['shared/platform/cache/c.ts', 'setInterval(tick, 1000)'],
    ['shared/members/a.ts', 'const id = randomUUID()'],
    ['shared/members/b.ts', 'const id = randomUUIDv7()'],
    ['shared/members/c.ts', 'const jitter = Math.random()'],
    ['admin/trpc.ts', 'const input = body as any'],
    ['admin/a.ts', '// @ts-ignore\nbroken()'],
    ['api/routes/a.ts', 'go() // TODO: later'],
  ]
  for (const [path, text] of planted) {
    it(`may not say: ${text.replaceAll('\n', ' ')}`, () => {
      expect(complaints(path, text)).to.have.length(1)
    })
  }

  it('may say so in comments, and of a configuration', () => {
    const text =
      '/** Like process.env, read with Date.now() */\nconst kind = config.process.kind // new Date()'
    expect(complaints('shared/a.ts', text)).to.deep.equal([])
  })

  it('are named in kebab-case and after one thing', () => {
    const vague = /^(utils?|helpers?|common|types|service|manager|handler|info|data|misc)\.ts$/
    const wrong = [...sources, ...filesUnder('test')].filter((path) => {
      const name = basename(path)
      return !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(name) || vague.test(name)
    })
    expect(wrong).to.deep.equal([])
  })
})

/** table of contents, and the folder or files whose every member it names */
const lists: [string, readonly string[]][] = [
  ['api/resources.ts', filesUnder('api/resources')],
  ['api/routes.ts', filesUnder('api/routes')],
  ['worker/jobs.ts', filesUnder('worker/jobs')],
  ['worker/subscribers.ts', filesUnder('worker/subscribers')],
  ['admin/router.ts', filesUnder('admin/procedures')],
  ['migrations/index.ts', filesUnder('migrations').filter((path) => /^migrations\/\d/.test(path))],
]

describe('the tables of contents', () => {
  for (const [list, members] of lists) {
    it(`${list} names every file of its kind and holds no logic`, () => {
      const text = members.length > 0 ? read(list) : ''
      const folder = list.slice(0, list.lastIndexOf('/') + 1)
      const missing = members.filter((path) => !text.includes(`'./${path.slice(folder.length)}'`))
      expect(missing).to.deep.equal([])
      expect(codeOf(text)).not.to.match(/=>|\bfunction\b|\bif\b|\bfor\b/)
    })
  }

  it('shared/entities.ts names every entity', () => {
    const listed = read('shared/entities.ts')
    const declared = filesUnder('shared').flatMap((path) =>
      [...read(path).matchAll(/export const (\w+) = defineEntity\(/g)].map(([, name]) => name),
    )
    expect(declared).not.to.have.length(0)
    const missing = declared.filter((name) => !new RegExp(`^  ${name},$`, 'm').test(listed))
    expect(missing).to.deep.equal([])
  })
})

const Manifest = z.object({
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({ resolved: z.string(), integrity: z.string() }).partial(),
  ),
})

describe('the repository', () => {
  const manifest = Manifest.parse(JSON.parse(read('package.json')))

  it('has at its top what the design names, and nothing else', () => {
    const folders = ['api', 'worker', 'admin', 'shared', 'migrations', 'test', 'deploy', 'docs']
    const files = ['package.json', 'tsconfig.json', 'docker-compose.yml', 'README.md', 'LICENSE']
    const made = ['node_modules', 'coverage', 'package-lock.json']
    const entries = readdirSync('.').filter((name) => !name.startsWith('.') && !made.includes(name))
    expect(entries).to.have.members([...folders, ...files])
  })

  it('has at most 14 scripts', () => {
    expect(Object.keys(manifest.scripts)).to.have.length.at.most(14)
  })

  it('pins every package exactly, and its lock file names no host at all', () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(
      versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
    ).to.deep.equal([])
    const packages = Object.entries(Lock.parse(JSON.parse(read('package-lock.json'))).packages)
    expect(packages.filter(([, { resolved }]) => resolved)).to.deep.equal([])
    const unsigned = packages.filter(([path, { integrity }]) => path !== '' && !integrity)
    expect(unsigned).to.deep.equal([])
  })
})
