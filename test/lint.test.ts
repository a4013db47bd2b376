import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'

// Shows that every import rule of .oxlintrc.json catches what it is for, and lets through what it should.

const refused: [string, readonly string[]][] = [
  [
    'api/routes/a.ts',
    ['../../worker/jobs.ts', '../../admin/router.ts', '../../shared/fx/rates.ts'],
  ],
  ['api/routes/b.ts', ['bullmq', 'ioredis', '@trpc/server', '@opentelemetry/api', '../app.ts']],
  [
    'api/http/c.ts',
    ['../../migrations/0001-money.ts', '../main.ts', '../../test/support/clock.ts'],
  ],
  ['api/main.ts', ['./routes.ts', './routes/a.ts', '#payments', '../worker/app.ts', 'express']],
  [
    'worker/jobs/a.ts',
    ['../../api/app.ts', 'express', 'bullmq', 'ioredis', '@trpc/server', '../app.ts'],
  ],
  ['worker/app.ts', ['../admin/app.ts', 'express', 'ioredis', '@opentelemetry/sdk-node']],
  ['worker/main.ts', ['./jobs.ts', '#fx', 'bullmq']],
  ['admin/procedures/a.ts', ['../../api/app.ts', 'express', 'bullmq', '../../shared/config.ts']],
  ['admin/app.ts', ['../worker/jobs.ts', 'bullmq', 'ioredis']],
  ['admin/main.ts', ['./router.ts', '#members', '@trpc/server']],
  ['shared/config.ts', ['../api/app.ts', 'express', 'bullmq']],
  [
    'shared/platform/a.ts',
    ['#money', '#config', '#entities', '../fx/rates.ts', '../../api/app.ts'],
  ],
  [
    'shared/platform/cache/b.ts',
    ['express', 'bullmq', '@opentelemetry/api', '../../members/index.ts'],
  ],
  ['shared/platform/queue/a.ts', ['#fx', '@opentelemetry/api', 'express']],
  ['shared/platform/telemetry/a.ts', ['#payments', 'bullmq', 'express']],
  ['shared/money/a.ts', ['#fx', '#members', '#payments', '#config', '../fx/rates.ts', 'express']],
  [
    'shared/fx/a.ts',
    ['#members', '#payments', '../money/amount.ts', '../platform/clock.ts', 'ioredis'],
  ],
  ['shared/fx/providers/b.ts', ['../../money/amount.ts', '#commerce', '../../../api/app.ts']],
  ['shared/members/a.ts', ['#fx', '#payments', 'bullmq', '#entities']],
  ['shared/catalogue/a.ts', ['#payments', '#content', '#commerce', '../payments/index.ts']],
  [
    'shared/payments/a.ts',
    ['#catalogue', '#commerce', '#conversations', 'express', '@trpc/server'],
  ],
  ['shared/content/a.ts', ['#catalogue', '#payments', '#commerce']],
  ['shared/conversations/a.ts', ['#content', '#commerce', '#webhooks']],
  ['shared/commerce/a.ts', ['#webhooks', '#config', '../catalogue/product.ts']],
  ['shared/webhooks/a.ts', ['#money', '#members', '#payments']],
  ['migrations/a.ts', ['../api/app.ts', '../shared/fx/rates.ts', 'express', 'ioredis']],
  ['deploy/laptop/a.ts', ['../../api/app.ts', '../../shared/config.ts', 'express']],
]

const admitted: [string, readonly string[]][] = [
  [
    'api/app.ts',
    ['express', '#payments', '#config', '#platform/clock', './routes.ts', './http/a.ts'],
  ],
  [
    'api/resources/ok.ts',
    ['#platform/resource/define', '../http/a.ts', '../resources/b.ts', 'zod'],
  ],
  ['api/edge.ts', ['#platform/cache/read', 'node:http']],
  [
    'shared/payments/ok.ts',
    ['#money', '#fx', '#members', '#platform/clock', './link.ts', 'kysely'],
  ],
  ['shared/commerce/ok.ts', ['#catalogue', '#payments', '#content', '#conversations', '#money']],
  ['shared/platform/cache/ok.ts', ['ioredis', '../clock.ts', '../database/database.ts']],
  ['shared/platform/queue/ok.ts', ['bullmq', 'bullmq-otel', 'ioredis', '../telemetry/spans.ts']],
  ['shared/platform/telemetry/ok.ts', ['@opentelemetry/api', '@opentelemetry/sdk-node']],
  ['shared/platform/log.ts', ['pino']],
  ['admin/trpc.ts', ['@trpc/server', '#members', './slice.ts']],
  ['admin/ok/app.ts', ['@trpc/server']],
  ['migrations/demo/ok.ts', ['#money', '../0001-money.ts', '#platform/clock']],
  ['test/ok.test.ts', ['../api/app.ts', '../shared/fx/rates.ts', 'express', 'bullmq', 'ioredis']],
]

/** In files of their own: what these may import that their neighbours may not. */
const special: [string, readonly string[]][] = [
  ['worker/app.ts', ['bullmq', '#fx', './jobs.ts']],
  ['admin/app.ts', ['express', '@trpc/server', './router.ts']],
  ['api/main.ts', ['./app.ts', '#config', '#entities', '#platform/lifecycle', 'node:process']],
  ['migrations/main.ts', ['../api/resources.ts', '#entities', './command.ts']],
]

/** And what even they may not. */
const specialRefused: [string, readonly string[]][] = [
  ['migrations/main.ts', ['../api/app.ts', '../api/resources/assets.ts', '../worker/jobs.ts']],
  ['migrations/command.ts', ['../api/resources.ts']],
]

const Report = z.object({
  diagnostics: z.array(
    z.object({
      code: z.string(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
})

describe('import rules', () => {
  it('catch every import that crosses a border, in every folder', () => {
    expect(caught(refused)).to.deep.equal(refused)
  })

  it('let through what belongs together', () => {
    expect(caught(admitted)).to.deep.equal([])
    expect(caught(special)).to.deep.equal([])
    expect(caught(specialRefused)).to.deep.equal(specialRefused)
  })

  it('see types, re-exports and dynamic imports too, and allow types of the tracing API', () => {
    const lines = [
      `import type { Job } from 'bullmq'`,
      `export { job } from 'bullmq'`,
      `export const job = await import('bullmq')`,
      `import type { Span } from '@opentelemetry/api'`,
    ]
    expect(lint([['api/routes/types.ts', lines]]).map(({ line }) => line)).to.have.members([
      1, 2, 3,
    ])
  })
})

/** The imports that the linter refuses, in the form of the tables above. */
function caught(files: readonly [string, readonly string[]][]): [string, readonly string[]][] {
  const found = lint(
    files.map(([path, targets]) => [
      path,
      targets.map((target, index) => `import { a${index} } from '${target}'`),
    ]),
  )
  return files.flatMap(([path, targets]): [string, readonly string[]][] => {
    const here = found.filter(({ filename }) => filename.endsWith(path))
    const names = targets.filter((_, index) => here.some(({ line }) => line === index + 1))
    return names.length > 0 ? [[path, names]] : []
  })
}

function lint(files: readonly (readonly [string, readonly string[]])[]) {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-lint-'))
  copyFileSync('.oxlintrc.json', join(directory, '.oxlintrc.json'))
  for (const [path, lines] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), `${lines.join('\n')}\n`)
  }
  const run = spawnSync(resolve('node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: directory,
    encoding: 'utf8',
  })
  rmSync(directory, { recursive: true })
  return Report.parse(JSON.parse(run.stdout))
    .diagnostics.filter(({ code }) => code.includes('no-restricted-imports'))
    .map(({ filename, labels }) => ({ filename, line: labels[0]?.span.line }))
}
