import { expect } from 'chai'
import { sql } from 'kysely'
import { startChild, type Child } from '../support/child.ts'
import { startCollector, type Collector } from '../support/collector.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
} from '../support/business.ts'
import { freePort } from '../support/servers.ts'

const canary = 'kanarie'

describe('what somebody entrusts to the API', () => {
  let business: Business
  let child: Child
  let collector: Collector
  const secrets: string[] = [canary]

  before(async () => {
    business = await openBusiness()
    const tenant = await addTenant(business, 'harbour')
    const member = await addMember(business, tenant.organisationId, `${canary}@example.org`)
    await publishRates(business, ecbRates)
    collector = await startCollector()
    const port = await freePort()
    child = await startChild('api', {
      DATABASE_URL: business.url,
      REDIS_URL: '',
      PORT: String(port),
      FX_PROVIDERS: 'ecb',
      FX_ECB_DAILY_URL: 'http://127.0.0.1:1/daily.xml',
      LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    })
    secrets.push(tenant.secretKey, member.token)
    await useEverything(`http://127.0.0.1:${port}/api/v2`, { ...tenant, ...member })
    await child.stop()
  })
  after(async () => {
    await child.stop()
    await collector.close()
    await business.lifecycle.stop()
  })

  /** Every route with a canary in every place that takes text, well and badly. */
  async function useEverything(
    root: string,
    { secretKey, token, memberId }: { secretKey: string; token: string; memberId: string },
  ): Promise<void> {
    let sent = 0
    const call = async (method: string, path: string, body?: unknown, as = secretKey) => {
      const response = await fetch(`${root}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${as}`,
          cookie: `session=${canary}`,
          'x-forwarded-for': canary,
          'idempotency-key': `${canary}-${(sent += 1)}`,
          'if-match': '"1"',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const json: any = await response.json()
      return { status: response.status, json }
    }
    const link = {
      amount: { amount: 100, currency: 'GBP' },
      description: canary,
      reference: `${canary}-1`,
      successUrl: `https://example.org/${canary}`,
      inactiveMessage: canary,
      metadata: { [canary]: canary },
      memberId,
    }
    const made = await call('POST', '/payment-links', link)
    expect(made.status).to.equal(201)
    const id: string = made.json.data.id
    await call('POST', '/payment-links', link)
    const key = await call('POST', '/api-keys', { kind: 'secret', name: canary })
    expect(key.status).to.equal(201)
    secrets.push(key.json.data.key)
    expect((await call('GET', '/me', undefined, key.json.data.key)).status).to.equal(200)
    await call('POST', '/api-keys', { kind: 'secret', name: canary, scopes: [canary] })
    await call('POST', '/payment-links', `{"description":"${canary}`)
    await call('POST', '/payment-links', { ...link, currency: canary, [canary]: 1 })
    await call('PATCH', `/payment-links/${id}`, { description: `${canary} again` })
    await call('POST', `/payment-links/${id}/requote`, {})
    await call('POST', `/payment-links/${id}/cancel`, {})
    for (const path of [
      '',
      `/${id}`,
      `/${id}/items`,
      `/${id}/events`,
      `/${id}/fx-snapshots`,
      `/${canary}`,
    ]) {
      await call('GET', `/payment-links${path}`)
      await call('GET', `/payment-links${path}`, undefined, token)
    }
    await call('GET', `/payment-links?reference=${canary}&cursor=${canary}&${canary}=1`)
    await call('GET', `/payment-links?reference=${canary}`)
    await call('GET', `/${canary}`, undefined, `tg_sk_${canary}`)
    await business.db.run(sql`alter table payment_links rename column description to elsewhere`)
    // with fields, so that it is not the answer that is kept from above
    const broken = `/payment-links/${id}?fields=id,description`
    expect((await call('GET', broken)).status).to.equal(500)
    expect(
      (await call('POST', '/payment-links', { ...link, reference: `${canary}-2` })).status,
    ).to.equal(500)
  }

  const absent = (text: string): void => {
    for (const secret of secrets) {
      expect(text.includes(secret), `${secret.slice(0, 12)} in ${around(text, secret)}`).to.equal(
        false,
      )
    }
  }
  const around = (text: string, part: string): string => {
    const at = text.indexOf(part)
    return at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 80)
  }

  it('is in no line of the log, not even when requests fail and everything is logged', () => {
    const failures = child.lines.filter((line) => line['msg'] === 'request failed')
    expect(failures).to.have.length(2)
    expect(child.lines.filter((line) => line['msg'] === 'request answered')).to.have.length.above(
      15,
    )
    absent(JSON.stringify(child.lines))
  })

  it('is in no span', () => {
    expect(collector.spans.filter(({ name }) => name.startsWith('pg.query'))).to.have.length.above(
      20,
    )
    expect(new Set(collector.spans.map(({ service }) => service))).to.deep.equal(
      new Set(['tidegate-api']),
    )
    absent(JSON.stringify(collector.spans))
  })

  const tablesHolding = async (text: string): Promise<readonly string[]> => {
    const tables = await business.db.run(sql<{ name: string }>`
      select tablename as name from pg_tables where schemaname = 'public'`)
    const found: string[] = []
    for (const { name } of tables) {
      const [row] = await business.db.run(sql<{ is_there: boolean }>`
        select exists (select 1 from ${sql.table(name)} as t where to_jsonb(t)::text like ${`%${text}%`}) as is_there`)
      if (row?.is_there) {
        found.push(name)
      }
    }
    return found.toSorted()
  }

  it('is stored in its row, in the answers kept for repetition, where lists are filtered by it for minutes in the change log, and nowhere else', async () => {
    expect(await tablesHolding(canary)).to.deep.equal([
      'api_keys',
      'change_log',
      'idempotency_keys',
      'members',
      'payment_links',
    ])
  })

  it('is stored nowhere at all when it is a credential', async () => {
    const credentials = secrets.filter((secret) => secret.startsWith('tg_'))
    expect(credentials).to.have.length(3)
    for (const credential of credentials) {
      expect(await tablesHolding(credential)).to.deep.equal([])
    }
  })
}).timeout(30_000)
