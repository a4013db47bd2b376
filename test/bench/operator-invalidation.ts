import { issueAdminToken } from '../../shared/members/index.ts'
import { adminClient, startAdmin } from '../support/admin.ts'
import { startApi, type Api } from '../support/api.ts'
import { addTenant, openBusiness } from '../support/business.ts'
import { redisUrl } from '../support/servers.ts'
import { quantile } from './quantile.ts'

const turns = 300
const path = '/api/v2/products'
const target = { by: 'pattern', pattern: 'products:*' } as const

/** Time from the answer to an operator's `cache.invalidate` until neither of two caches serves what it named, and whether the
 *  dry run before it counted what was lost. The caches are two applications in one process, each with its own connection. */
export async function printOperatorInvalidations(): Promise<void> {
  const redis = redisUrl()
  for (const [name, tiers] of [
    ['without Redis', 'memory'],
    ['with Redis', 'memory-and-redis'],
  ] as const) {
    if (tiers === 'memory' || redis !== undefined) {
      await measure(name, tiers)
    }
  }
}

async function measure(name: string, tiers: 'memory' | 'memory-and-redis'): Promise<void> {
  const business = await openBusiness()
  const { secretKey } = await addTenant(business, 'operator')
  const limits = { url: redisUrl(), connectTimeoutMs: 500, commandTimeoutMs: 100 }
  const cache = tiers === 'memory' ? ({ tiers } as const) : { tiers, redis: limits }
  const apis = [await startApi(business, { cache }), await startApi(business, { cache })]
  const { text } = await issueAdminToken(business, { name: 'bench', role: 'operator' })
  const operator = adminClient(await startAdmin(business), text)
  const afterAnswerMs: number[] = []
  let unequal = 0
  for (let turn = 0; turn < turns; turn += 1) {
    for (const api of apis) {
      await api.call('GET', path, { as: secretKey })
    }
    const cost = await operator.cache.dryRun.query(target)
    const before = countCurrent(apis)
    await operator.cache.invalidate.mutate(target)
    const answeredMs = performance.now()
    while (apis.some((api) => current(api) > 0)) {
      await new Promise(setImmediate)
    }
    afterAnswerMs.push(performance.now() - answeredMs)
    unequal += cost.entries === before ? 0 : 1
  }
  const figures = [0.5, 0.99, 1].map((part) => quantile(afterAnswerMs, part).toFixed(1))
  console.log(`${name}: ${turns} turns, milliseconds as p50 / p99 / max: ${figures.join(' / ')}`)
  console.log(`  dry runs that counted otherwise than was lost: ${unequal}`)
  await business.lifecycle.stop()
}

/** Answers about products that are served still. */
function current({ slice: { cache } }: Api): number {
  return [...cache.kept()].filter(
    (held) => held.dependencies.tags.includes('products') && cache.isCurrent(held),
  ).length
}

const countCurrent = (apis: readonly Api[]): number =>
  apis.reduce((sum, api) => sum + current(api), 0)
