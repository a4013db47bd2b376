import type { Resource } from '#platform/resource/define-resource'
import { addressOf } from '../../api/http/define-read.ts'
import { readsOf } from '../../api/http/resource-reads.ts'
import type { Examples } from '../../api/openapi/examples.ts'
import { resources } from '../../api/resources.ts'
import { routes } from '../../api/routes.ts'
import type { Answer, Api } from './api.ts'
import type { Tenant } from './business.ts'
import { documentOf } from './document.ts'
import { neededFilters } from './needed-filters.ts'

type Request = {
  readonly link?: number
  readonly content?: number
  /** The member stands in the path. */
  readonly isOfMember?: true
  readonly body?: unknown
  readonly search?: string
}

/** What each route is asked, so that its answer can be shown; `link` and `content` say which of the drafts or of the contents
 *  stands in its path. */
const requests: Readonly<Record<string, Request>> = {
  createPaymentLink: {
    body: {
      amount: { amount: 1050, currency: 'GBP', exponent: 2 },
      description: 'Lantern',
      reference: 'order-1001',
      metadata: { channel: 'newsletter' },
    },
  },
  changePaymentLink: { link: 0, body: { description: 'Two lanterns' } },
  requotePaymentLink: { link: 1, body: { allowStaleRates: false } },
  cancelPaymentLink: { link: 2, body: {} },
  createApiKey: { body: { kind: 'publishable', name: 'Shop window' } },
  createContent: {
    body: {
      slug: 'how-lanterns-are-made',
      title: 'How lanterns are made',
      summary: 'A visit to the workshop',
      body: 'It begins with a sheet of tin.',
      tags: ['lantern', 'workshop'],
    },
  },
  changeContent: { content: 0, body: { summary: 'In few words' } },
  publishContent: { content: 1, body: {} },
  postInteraction: {
    content: 1,
    body: { type: 'comment', comment: 'Well said', memberId: 'a member' },
  },
  getFxRates: { search: '?base=GBP&quotes=EUR,USD,JPY' },
  listRecommendations: { search: '?limit=2&memberId=a-member' },
  listRecommendationsV1: { isOfMember: true, search: '?limit=2' },
  refreshRecommendations: { body: { memberId: 'a member' } },
}

/** Narrows lists whose rows were written at one instant, and so stand in another order in every run. */
const steadying: Readonly<Record<string, string>> = { 'fx-snapshots': 'asset=JPY' }

/** `drafts`: ids of three links that have not been opened; `contentIds`: of two contents or more. */
type Recorder = {
  readonly api: Api
  readonly tenant: Tenant
  readonly drafts: readonly string[]
  readonly contentIds: readonly string[]
  /** Who interacts with contents. */
  readonly memberId: string
}

/** Calls every operation once and returns what was said.  @throws {Error} when one cannot be called */
export async function recordExamples(recorder: Recorder): Promise<Examples> {
  const { api, tenant } = recorder
  const operations: Examples['operations'] = {}
  const problems: Examples['problems'] = {}
  const add = (name: string, { status, json }: Answer, request?: unknown): void => {
    operations[name] = {
      ...(request !== undefined && { request }),
      responses: { [status]: json },
    }
  }
  for (const [name, path] of await reads(recorder)) {
    add(name, await api.call('GET', path, { as: tenant.secretKey }))
  }
  for (const route of routes) {
    const { operationId, method } = route
    const asked = requests[operationId] ?? {}
    const body = withMember(asked.body, recorder.memberId)
    const search = asked.search?.replace('a-member', recorder.memberId) ?? ''
    const at = `${addressOf(route).replace(':id', idOf(recorder, asked))}${search}`
    if (method !== 'delete') {
      const headers = method === 'get' ? {} : { 'idempotency-key': operationId, 'if-match': '"1"' }
      const answer = await api.call(method.toUpperCase(), at, {
        as: tenant.secretKey,
        headers,
        ...(body !== undefined && { body }),
      })
      if (answer.status >= 400) {
        throw new Error(`no example of ${operationId}: ${answer.text}; see ${import.meta.filename}`)
      }
      add(operationId, answer, body)
    }
  }
  const healthPaths = ['', '/live', '/startup', '/ready', '/detailed', '/advanced', '/database']
  for (const path of healthPaths.map((one) => `/health${one}`)) {
    const name = path.replaceAll(/\/(.)/g, (_, letter: string) => letter.toUpperCase())
    const answer = await api.call('GET', path)
    add(`get${name}`, answer)
    add(`getApi${name}`, answer)
  }
  for (const { json } of await provoke(recorder)) {
    const slug = new URL(json.type).pathname.replace('/problems/', '')
    problems[slug] = json
  }
  return { operations, problems }
}

function idOf({ drafts, contentIds, memberId }: Recorder, asked: Request): string {
  const { link, content, isOfMember } = asked
  return isOfMember ? memberId : (drafts[link ?? -1] ?? contentIds[content ?? -1] ?? '')
}

/** The body with the id of the member that it speaks of. */
function withMember(body: unknown, memberId: string): unknown {
  return body !== null && typeof body === 'object' && 'memberId' in body
    ? { ...body, memberId }
    : body
}

/** The name of each declared read with an address that has something to show. */
async function reads({ api, tenant }: Recorder): Promise<[string, string][]> {
  const get = async (path: string): Promise<any> =>
    (await api.call('GET', path, { as: tenant.secretKey })).json
  const paths: Record<string, any> = documentOf().paths ?? {}
  const keyOf = (resource: Resource): string => ('id' in resource.fields ? 'id' : 'code')
  const found: [string, string][] = []
  for (const read of resources.flatMap((resource) => readsOf(resource))) {
    const { resource, kind, path } = read
    const name: string = paths[path.replaceAll(/:(\w+)/g, '{$1}')].get.operationId
    const paging = kind === 'legacy-list' ? 'page=1&limit=2' : 'limit=2'
    const search = [neededFilters[resource.name], steadying[resource.name], paging]
      .filter(Boolean)
      .join('&')
    const above = path.endsWith('/:id') ? resource : resource.parent?.resource()
    if (above === undefined) {
      found.push([name, `${path}?${search}`])
      continue
    }
    const { data } = await get(`/api/v2/${above.name}?limit=50`)
    const places: string[] = data.map((item: any) => path.replace(':id', item[keyOf(above)]))
    if (path.endsWith('/:id')) {
      found.push([name, places[0] ?? path])
      continue
    }
    let best = places[0] ?? path
    for (const place of places.toReversed()) {
      const isEmpty = (await get(`${place}?${search}`)).data.length === 0
      if (!isEmpty) {
        best = place
        break
      }
    }
    found.push([name, `${best}?${search}`])
  }
  return found
}

/** Requests that fail, each in a way of its own. */
async function provoke({ api, tenant, drafts }: Recorder): Promise<readonly Answer[]> {
  const as = tenant.secretKey
  const links = '/api/v2/payment-links'
  const closed = `${links}/${drafts[2]}`
  const post = (body: unknown, key = JSON.stringify(body).slice(0, 80).replaceAll(/["\\]/g, '')) =>
    api.call('POST', links, { as, body, headers: { 'idempotency-key': key } })
  const amount = (value: number, currency = 'GBP') => ({ amount: { amount: value, currency } })
  return [
    await api.call('GET', links),
    await api.call('GET', links, { as: `${as}x` }),
    await api.call('GET', links, { as: tenant.publishableKey }),
    await api.call('GET', `${links}?limt=2&sort=amount`, { as }),
    await api.call('GET', `${links}?cursor=v1.nothing`, { as }),
    await api.call('GET', `${links}/nothing`, { as }),
    await api.call('GET', `${links}/%E0%A4%A`, { as }),
    await api.call('GET', '/problems/payments/nothing'),
    await api.call('POST', links, { as, body: amount(1) }),
    await api.call('POST', links, { as, body: amount(1), headers: { 'idempotency-key': '""' } }),
    await api.call('POST', links, { as, raw: '{', headers: { 'idempotency-key': 'malformed' } }),
    await api.call('POST', links, { as, raw: 'a=1', headers: { 'content-type': 'text/plain' } }),
    await post({ amount: { amount: 10.5, currency: 'gbp' }, colour: 'red' }),
    await post({ ...amount(1), description: 'x'.repeat(200_000) }),
    await post(amount(2), 'createPaymentLink'),
    await post({ ...amount(3), reference: 'order-1001' }),
    await post({ ...amount(4), memberId: '01900000-0000-7000-8000-000000000000' }),
    await post({ ...amount(5), acceptedAssets: ['BTC'] }),
    await post({ ...amount(6), expiresAt: '2020-01-01T00:00:00Z' }),
    await post(amount(7, 'BRL')),
    await api.call('PATCH', closed, { as, body: {} }),
    await api.call('PATCH', closed, { as, body: {}, headers: { 'if-match': '"9"' } }),
    await api.call('POST', `${closed}/requote`, {
      as,
      body: {},
      headers: { 'idempotency-key': 'closed' },
    }),
    await api.call('POST', '/api/v2/api-keys', {
      as,
      body: { kind: 'publishable', name: 'Too much', scopes: ['ledger:read'] },
      headers: { 'idempotency-key': 'scopes' },
    }),
  ]
}
