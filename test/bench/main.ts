import { startServers, stopServers } from '../support/servers.ts'
import type { Result } from './cpu.ts'
import { depth } from './depth.ts'
import { pageParts } from './page-parts.ts'
import { page } from './page.ts'

// npm run bench -- NAME: rivals in turns in one run, CPU time per call, ratios against a named rival.

const scenarios: Readonly<Record<string, () => Promise<Result>>> = {
  page,
  'page-parts': pageParts,
  depth,
}

const [name = ''] = process.argv.slice(2)
const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
if (!scenario) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(scenarios).join(', ')}`)
  process.exit(1)
}
await startServers()
try {
  const { spent, against, buffers } = await scenario()
  const base = spent[against]
  for (const [rival, { node, postgres }] of Object.entries(spent)) {
    const of = (part: number, whole: number | undefined): string =>
      `${Math.round(part)} µs (${(part / (whole ?? Number.NaN)).toFixed(2)} x)`
    const total = of(node + postgres, base && base.node + base.postgres)
    const touched = buffers?.[rival]
    console.log(
      `${rival.padEnd(24)} Node ${of(node, base?.node).padEnd(18)} PostgreSQL ${of(postgres, base?.postgres).padEnd(18)} both ${total}${touched === undefined ? '' : `  buffers ${touched}`}`,
    )
  }
} finally {
  await stopServers()
}
