import { pino } from 'pino'
import { z } from 'zod'
import { quietApplication } from '#platform/cache/change'
import { startApi, type Answer, type Api } from './api.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from './business.ts'
import { addProducts } from './catalogue.ts'
import { addLinks } from './links.ts'

/** Two processes of the API on one database, each with a pool and a cache of its own. */
export type Pair = {
  readonly one: Api
  readonly other: Api
  readonly businesses: readonly [Business, Business]
  readonly ours: Tenant
  readonly theirs: Tenant
  /** Reads and their answers, which nothing here changes; both processes keep them. */
  readonly known: readonly { readonly path: string; readonly text: string }[]
  /** The list that `write` changes. */
  readonly links: string
  /** What each has said in its log. */
  readonly said: readonly (readonly string[])[]
  /** A read that nobody asked for before. */
  readonly newPath: () => string
  readonly get: (
    path: string,
    api: Api,
    headers?: Readonly<Record<string, string>>,
    as?: string,
  ) => Promise<Answer>
  /** Changes a link through the first process. */
  write(): Promise<{ readonly description: string; readonly token: string }>
  /** The description of that link in an answer. */
  shown(answer: Answer): string
  /** Whether what the first fetches the second finds in Redis. */
  isShared(): Promise<boolean>
  close(): Promise<void>
}

const optional = 'categoryId sku slug title description kind publishedAt updatedAt'.split(' ')

const Line = z.object({ msg: z.string() })

/** @param redis a URL; without one each keeps what it has to itself */
export async function openPair(
  redis: string | undefined,
  options: { readonly commandTimeoutMs?: number } = {},
): Promise<Pair> {
  const named = { applicationName: quietApplication }
  const first = await openBusiness({ ...named, fx: { providers: ['ecb'] } })
  const second = await openBusiness({ ...named, url: first.url, fx: { providers: ['ecb'] } })
  const [ours, theirs] = [await addTenant(first, 'harbour'), await addTenant(first, 'inland')]
  await publishRates(first, ecbRates)
  await addProducts(first, ours, 8)
  await addProducts(first, theirs, 8)
  const [linkId = ''] = await addLinks(first, ours, 2)
  const said: string[][] = []
  const start = (business: Business): Promise<Api> => {
    const lines: string[] = []
    said.push(lines)
    const write = (line: string): void => void lines.push(Line.parse(JSON.parse(line)).msg)
    const { commandTimeoutMs = 100 } = options
    return startApi(
      { ...business, log: pino({}, { write }) },
      {
        cache: {
          tiers: redis === undefined ? 'memory' : 'memory-and-redis',
          redis: { url: redis, connectTimeoutMs: 500, commandTimeoutMs },
        },
      },
    )
  }
  const [one, other] = [await start(first), await start(second)]
  let number = 0
  const get: Pair['get'] = (path, api, headers = {}, as = ours.secretKey) =>
    api.call('GET', path, { as, headers })
  const newPath = (): string => {
    number += 1
    const fields = optional.filter((_, index) => (number & (1 << index)) > 0)
    return `/api/v2/products?fields=${['id', ...fields].join(',')}`
  }
  const item = `/api/v2/payment-links/${linkId}`
  const paths = [
    '/api/v2/products',
    '/api/v2/products?expand=prices',
    '/api/products',
    '/api/v2/me',
  ]
  const known = []
  for (const path of paths) {
    known.push({ path, text: (await get(path, one)).text })
    await get(path, other)
  }
  return {
    one,
    other,
    businesses: [first, second],
    ours,
    theirs,
    known,
    links: '/api/v2/payment-links?limit=5',
    said,
    newPath,
    get,
    async write() {
      const { version } = (await get(`${item}?fields=version`, one)).json.data
      const description = `change ${(number += 1)}`
      const { status, text, headers } = await one.call('PATCH', item, {
        as: ours.secretKey,
        body: { description },
        headers: { 'if-match': `"${version}"` },
      })
      if (status !== 200) {
        throw new Error(`the write was answered ${status}: ${text}`)
      }
      return { description, token: headers.get('consistency-token') ?? '' }
    },
    shown: ({ json }) => json.data.find(({ id }: any) => id === linkId)?.description,
    async isShared() {
      const path = newPath()
      await get(path, one)
      const { headers } = await get(path, other)
      return headers.get('cache-status')?.startsWith('redis; hit') === true
    },
    async close() {
      await second.lifecycle.stop()
      await first.lifecycle.stop()
    },
  }
}
