import { expect } from 'chai'
import { issueApiKey, scopesOf, type Scope } from '#members'
import type { Resource } from '#platform/resource/define-resource'
import { resources } from '../../../api/resources.ts'
import type { Answer } from '../../support/api.ts'
import { placeOf } from '../../support/resource-fixtures.ts'
import { rowsOf, tableOf, type Viewer } from '../../support/resource-model.ts'
import {
  expectedKeys,
  expectedRows,
  keyOf,
  keyOfRow,
  openWorld,
  pathOf,
  searchOf,
  type Item,
  type World,
} from '../../support/resource-world.ts'
import { changeRow } from '../../support/resource-writes.ts'

// What belongs to somebody else is not there: not in lists, details and totals, not below an id, not inside another item.

describe('what others may see of every declared resource', () => {
  let world: World
  let theirs: Viewer
  let member: Viewer
  let strange: Readonly<Record<string, string>>

  before(async () => {
    world = await openWorld()
    const { organisationId, memberId } = world.ours
    theirs = { organisationId: world.theirs.organisationId }
    member = { organisationId, memberId }
    strange = await parentsOfNoMember()
  })
  after(() => world.business.lifecycle.stop())

  const get = (path: string, as: string): Promise<Answer> => world.api.call('GET', path, { as })
  const listOf = (resource: Resource, as: string, more = {}, parents = world.ours.parents) => {
    const search = searchOf(resource, { limit: resource.page.limitMax, ...more })
    return get(`${pathOf(world, resource, parents)}?${search}`, as)
  }
  const keysIn = (resource: Resource, { status, text, json }: Answer): readonly string[] => {
    expect(status, text).to.equal(200)
    return json.data.map((item: Item) => keyOf(world, resource, item))
  }

  /** Our items that lists live below, and that are not our member's. */
  async function parentsOfNoMember(): Promise<Readonly<Record<string, string>>> {
    const ids = resources.flatMap((resource) => {
      const parent = resource.parent?.resource()
      const mine = parent && world.ours.parents[parent.name]
      return parent && mine !== undefined ? [{ parent, mine }] : []
    })
    const found = ids.map(async ({ parent }) => {
      const [all, own] = await Promise.all([
        expectedKeys(world, parent),
        expectedKeys(world, parent, { viewer: member }),
      ])
      return [parent.name, all.find((key) => !own.includes(key)) ?? ''] as const
    })
    return Object.fromEntries(await Promise.all(found))
  }

  for (const resource of resources) {
    const place = placeOf(resource)
    const parent = resource.parent?.resource()
    const isPublic = resource.visibility === 'public'

    if (!isPublic && !parent) {
      it(`${place}: another organisation lists and counts its own rows only`, async () => {
        for (const { secretKey, organisationId } of [world.theirs, world.nobody]) {
          const expected = await expectedKeys(world, resource, { viewer: { organisationId } })
          const answer = await listOf(resource, secretKey, { count: 'exact' })
          expect(keysIn(resource, answer)).to.deep.equal(expected)
          expect(answer.json.page.total).to.equal(expected.length)
          const estimate = await listOf(resource, secretKey, { count: 'estimated' })
          const rows = await rowsOf(world.business.db, resource)
          expect(estimate.json.page.total).to.be.lessThan(rows.length)
          if (resource.legacyPath !== undefined) {
            const old = await get(`/api/${resource.legacyPath}?limit=100`, secretKey)
            expect(keysIn(resource, old)).to.deep.equal(expected)
            expect(old.json.pagination.total).to.equal(expected.length)
          }
          if (expected.length === 0) {
            expect(estimate.json.page.total).to.be.at.most(1)
          }
        }
      })
    }

    if (resource.operations === 'list-and-detail') {
      it(`${place}/:id: what is missing, malformed and another’s is answered word for word alike`, async () => {
        const [mine = ''] = await expectedKeys(world, resource)
        const [foreign = ''] = await expectedKeys(world, resource, { viewer: theirs })
        const odd = [
          crypto.randomUUID(),
          'nothing',
          "1' or '1'='1",
          '../etc',
          '\0',
          'x'.repeat(5_000),
          '\ud800'.toWellFormed(),
        ]
        const ids = [...odd, ...(isPublic ? [] : [foreign])]
        const paths = ids.flatMap((id) => {
          const at = `${pathOf(world, resource)}/${encodeURIComponent(id)}`
          return resource.legacyPath ? [at, at.replace(`v2/${place}`, resource.legacyPath)] : [at]
        })
        const answers = await Promise.all(paths.map((path) => get(path, world.ours.secretKey)))
        if (!isPublic) {
          answers.push(await get(`${pathOf(world, resource)}/${mine}`, world.theirs.secretKey))
        }
        const legacy = new Set(['deprecation', 'sunset', 'link'])
        for (const answer of answers) {
          expect(comparable(answer, legacy)).to.deep.equal(comparable(answers[0], legacy))
        }
        expect(answers[0]?.status).to.equal(404)
      })
    }

    if (parent) {
      it(`${place}: below what is missing, malformed, another’s or no member’s is nothing to find`, async () => {
        const at = (id: string, as: string) =>
          listOf(resource, as, {}, { [parent.name]: encodeURIComponent(id) })
        const { ours, theirs: other } = world
        const missing = await at(crypto.randomUUID(), ours.secretKey)
        expect(missing.status).to.equal(404)
        const answers = await Promise.all([
          at('nothing', ours.secretKey),
          at('\0', ours.secretKey),
          at(ours.parents[parent.name] ?? '', other.secretKey),
          at(other.parents[parent.name] ?? '', ours.secretKey),
          ...(isHeld('member', resource, parent) && isPersonal(parent)
            ? [at(strange[parent.name] ?? '', ours.memberToken)]
            : []),
        ])
        for (const answer of answers) {
          expect(comparable(answer)).to.deep.equal(comparable(missing))
        }
      })

      it(`${place}: a row of another organisation below an item of ours stays out of sight`, async () => {
        await withChange(resource, organisationOf(resource), theirs.organisationId, async (key) => {
          expect(keysIn(resource, await listOf(resource, world.ours.secretKey))).to.not.include(key)
          for (const [name, expansion] of Object.entries(parent.expand)) {
            if (expansion.kind === 'many' && expansion.resource() === resource) {
              const path = `/api/v2/${parent.name}/${world.ours.parents[parent.name]}?expand=${name}`
              const { json } = await get(path, world.ours.secretKey)
              const shown = json.data[name].data.map((item: Item) => keyOf(world, resource, item))
              expect(shown).to.have.length.above(0)
              expect(shown).to.not.include(key)
            }
          }
        })
      })
    }

    for (const [name, expansion] of Object.entries(resource.expand)) {
      const child = expansion.resource()
      if (expansion.kind === 'one' && child.visibility !== 'public') {
        it(`${place}: ${name} of another organisation is null, whatever the row names`, async () => {
          const foreign = (await expectedKeys(world, child, { viewer: theirs })).at(-1) ?? ''
          const { column } = tableOf(world.business.db, resource)
          await withChange(resource, column(expansion.column), foreign, async (key) => {
            const { json } = await listOf(resource, world.ours.secretKey, { expand: name })
            const item = json.data.find((one: Item) => keyOf(world, resource, one) === key)
            expect(item[name]).to.equal(null)
          })
        })
      }

      it(`${place}: ${name} needs the scope ${child.scope} too`, async () => {
        const held = [resource.scope, parent?.scope].filter((one) => one !== undefined) as Scope[]
        const { organisationId } = world.ours
        const key = { organisationId, kind: 'secret', name: 'narrow', scopes: held } as const
        const { text } = await issueApiKey(world.business, key)
        expect((await listOf(resource, text)).status).to.equal(200)
        const { status, json } = await listOf(resource, text, { expand: name })
        expect([status, json.scope]).to.deep.equal(
          child.scope === resource.scope ? [200, undefined] : [403, child.scope],
        )
      })
    }

    it(`${place}: a member sees what is its own, where it may look at all`, async () => {
      const answer = await listOf(resource, world.ours.memberToken)
      if (!isHeld('member', resource)) {
        expect([answer.status, answer.json.scope]).to.deep.equal([403, resource.scope])
        return
      }
      const expected = await expectedKeys(world, resource, { viewer: member })
      expect(keysIn(resource, answer)).to.deep.equal(expected)
      if (isPersonal(resource) && !parent) {
        expect(expected.length).to.be.lessThan((await expectedKeys(world, resource)).length)
      }
      for (const [name, expansion] of Object.entries(resource.expand)) {
        const child = expansion.resource()
        const { status, json } = await listOf(resource, world.ours.memberToken, { expand: name })
        expect(status).to.equal(isHeld('member', child) ? 200 : 403)
        if (status === 200 && expansion.kind === 'one' && isPersonal(child)) {
          const field = Object.entries(resource.fields).find(
            ([, { columns }]) => columns[0] === expansion.column,
          )?.[0]
          const named = json.data.filter((item: Item) => item[field ?? ''] !== null)
          expect(
            named.filter((item: Item) => item[name] === null),
            `rows that name a ${child.noun} of somebody else`,
          ).to.deep.equal([])
        }
      }
    })

    it(`${place}: a credential is needed, a good one, with the scope`, async () => {
      const path = `${pathOf(world, resource)}?${searchOf(resource)}`
      expect((await world.api.call('GET', path)).status).to.equal(401)
      expect((await get(path, `${world.ours.secretKey}x`)).status).to.equal(401)
      const { status, json } = await get(path, world.ours.publishableKey)
      expect([status, json.scope]).to.deep.equal(
        isHeld('publishable', resource) ? [200, undefined] : [403, resource.scope],
      )
      const detail = await get(`${pathOf(world, resource)}/x`, world.ours.publishableKey)
      if (resource.operations === 'list-and-detail' && !isHeld('publishable', resource)) {
        expect([detail.status, detail.json.scope]).to.deep.equal([403, resource.scope])
      }
    })
  }

  const organisationOf = (resource: Resource): string =>
    resource.visibility === 'public'
      ? ''
      : tableOf(world.business.db, resource).column(resource.visibility.organisation)

  /** Does something while one of our rows has another value in a column. */
  async function withChange(
    resource: Resource,
    column: string,
    value: string,
    work: (key: string) => Promise<void>,
  ): Promise<void> {
    const rows = await expectedRows(world, resource)
    const row = rows.find((one) => one[column] !== null)
    if (!row) {
      throw new Error(`add a row of ${placeOf(resource)} that has a ${column} to the world`)
    }
    const changed = await changeRow(world.business, resource, row, { [column]: value })
    try {
      await work(keyOfRow(world, resource, changed))
    } finally {
      await changeRow(world.business, resource, changed, { [column]: String(row[column]) })
    }
  }
})

/** Whether a credential of this kind may read all of these. */
const isHeld = (kind: 'member' | 'publishable', ...wanted: readonly Resource[]): boolean =>
  wanted.every(({ scope }) => scopesOf[kind].some((one) => one === scope))

/** Whether a member sees its own rows only. */
const isPersonal = ({ visibility }: Resource): boolean =>
  visibility !== 'public' && visibility.member !== undefined

/** A problem without what differs from request to request, with the names of its headers. */
function comparable(answer: Answer | undefined, except: ReadonlySet<string> = new Set()): unknown {
  const { requestId, instance, ...rest } = answer?.json ?? {}
  const headers = [...(answer?.headers.keys() ?? [])].filter((name) => !except.has(name))
  expect(requestId).to.be.a('string')
  expect(instance).to.be.a('string')
  return { ...rest, headers, mediaType: answer?.headers.get('content-type') }
}
