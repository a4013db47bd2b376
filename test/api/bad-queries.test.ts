import { expect } from 'chai'
import { sql } from 'kysely'
import { readsOf } from '../../api/http/resource-reads.ts'
import { resources } from '../../api/resources.ts'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters } from '#platform/resource/filters'
import { listParameters } from '#platform/resource/list-query'
import { startApi, type Answer, type Api } from '../support/api.ts'
import { addTenant, openBusiness, type Business, type Tenant } from '../support/business.ts'
import { recordStatements } from '../support/statements.ts'

// What nobody should send to a declared read, sent to every parameter of every one. All of it is answered by a problem
// that names the parameter; what is text may be looked for, and finds nothing.

const hostile = [
  "'; drop table payment_links; --",
  "1' or '1'='1",
  'id) desc; select pg_sleep(9) --',
  ...'" \\ \\\' % _ ? :a $1 ${x} {} [] (select 1) null , . - --id -id- id.id ID 0 -1 1e9 NaN infinity'.split(
    ' ',
  ),
  ...'__proto__ constructor toString hasOwnProperty __proto__.x'.split(' '),
  ...'organisationId -organisationId deletedAt 0000-01-01T00:00:00Z \u{10ffff}'.split(' '),
  ' id',
  '9'.repeat(35),
  '9'.repeat(10_000),
  'x'.repeat(10_000),
  'id,'.repeat(200),
  'a.'.repeat(3000),
].map((value) => encodeURIComponent(value))
/** Bytes that are no text: NUL, half a surrogate pair, an overlong slash, an escape that ends too early. */
const noText = ['%00', 'a%00b', '%ED%A0%80', '%c0%af', '%ff', '%E0%A4', '%', '%zz']

describe('a declared read that is asked for nonsense', () => {
  let business: Business
  let tenant: Tenant
  let api: Api
  let statements: ReturnType<typeof recordStatements>

  before(async () => {
    business = await openBusiness()
    statements = recordStatements(business.db)
    tenant = await addTenant(business, 'harbour')
    api = await startApi(business)
  })
  after(() => business.lifecycle.stop())

  const get = (path: string): Promise<Answer> => api.call('GET', path, { as: tenant.secretKey })
  const pathOf = (resource: Resource): string =>
    (readsOf(resource)[0]?.path ?? '').replace(':id', '01900000-0000-7000-8000-000000000000')

  function expectRefused({ status, json, headers }: Answer, name: string, asked: string): void {
    const said = `${asked.slice(0, 120)}: ${JSON.stringify(json).slice(0, 300)}`
    expect(status, said).to.equal(400)
    expect(headers.get('content-type')).to.equal('application/problem+json')
    const pointers = json.errors.map((fault: any) => fault.pointer)
    expect(pointers, said).to.include(`#/query/${name}`)
  }

  for (const resource of resources) {
    const filters = filterParameters(resource)
    const requiredBeside = (name: string) =>
      name === 'cursor' ? resource.filtersRequired.map((one) => `${one}=USD&`).join('') : ''
    const isFree = (name: string) => {
      const filter = filters.get(name)
      const field = resource.fields[filter?.field ?? '']
      return filter?.kind === 'search' || field?.parameter?.safeParse("it's").success === true
    }

    for (const name of [...listParameters, ...filters.keys()]) {
      it(`${resource.name} is refused, or looks for text, in ${name}`, async () => {
        statements.sent.length = 0
        const ask = async (value: string) => {
          const asked = `${pathOf(resource)}?${requiredBeside(name)}${name}=${value}`
          return { asked, answer: await get(asked) }
        }
        for (const { asked, answer } of await Promise.all(hostile.map(ask))) {
          const isRight = answer.status === 200 || answer.status === 404
          const isNumber = /=(0|-1)$/.test(asked) && isFreeNumber(resource, name)
          const mayBeRight = isFree(name) || isNumber || /=9{9,}$/.test(asked)
          if (!(isRight && mayBeRight) && !isFree(name)) {
            expectRefused(answer, name, asked)
          }
          expect(answer.status, asked.slice(0, 100)).to.be.oneOf([200, 400, 404])
        }
        for (const { asked, answer } of await Promise.all(noText.map(ask))) {
          expectRefused(answer, name, asked)
        }
        for (const { text } of statements.sent) {
          expect(text).to.not.match(/drop table|pg_sleep|__proto__|\(select 1\)/)
        }
      })
    }

    it(`${resource.name} refuses parameters that it does not have, and many of those it has`, async () => {
      const fields = Object.keys(resource.fields)
      const hidden = Object.keys(resource.entity.meta.properties).filter(
        (one) => !fields.includes(one),
      )
      for (const name of ['__proto__', 'constructor', 'toString', 'where', 'q[]', ...hidden]) {
        const isKnown = filters.has(name)
        expect(isKnown).to.equal(false)
        expectRefused(await get(`${pathOf(resource)}?${name}=1`), name, name)
      }
      const many = Array.from({ length: 200 }, (_, index) => fields[index % fields.length])
      expectRefused(await get(`${pathOf(resource)}?fields=${many.join()}`), 'fields', '200 fields')
      for (const name of hidden) {
        expectRefused(await get(`${pathOf(resource)}?fields=${name}`), 'fields', name)
        expectRefused(await get(`${pathOf(resource)}?sort=${name}`), 'sort', name)
        expectRefused(await get(`${pathOf(resource)}?expand=${name}`), 'expand', name)
      }
      const [expansion] = Object.keys(resource.expand)
      const deep = Array.from({ length: 50 }, () => expansion ?? 'id').join('.')
      expectRefused(await get(`${pathOf(resource)}?expand=${deep}`), 'expand', deep)
    })

    if (resource.operations === 'list-and-detail') {
      it(`${resource.name} knows no item by such an id`, async () => {
        for (const value of [...hostile, '%00', 'a%00b'].filter(
          (one) => one.length < 5000 && one !== '.',
        )) {
          const { status } = await get(`${pathOf(resource)}/${value}`)
          expect(status, value).to.equal(404)
        }
        for (const value of ['%ED%A0%80', '%ff', '%zz']) {
          expect((await get(`${pathOf(resource)}/${value}`)).status, value).to.be.oneOf([400, 404])
        }
      })
    }
  }

  it('has changed nothing', async () => {
    const [row] = await business.db.run(
      sql<{ links: string }>`select count(*) as links from payment_links`,
    )
    expect(row?.links).to.equal('0')
  })
})

function isFreeNumber(resource: Resource, name: string): boolean {
  const field = resource.fields[filterParameters(resource).get(name)?.field ?? '']
  return field?.parameter?.safeParse('0').success === true
}
