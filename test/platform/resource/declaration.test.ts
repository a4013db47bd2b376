import { defineEntity, p } from '@mikro-orm/core'
import { expect } from 'chai'
import { defineResource, type Resource } from '#platform/resource/define-resource'
import { many, one } from '#platform/resource/expansion'
import { flag, integer, nullable, text } from '#platform/resource/fields'
import { openFixture } from './fixture.ts'

const Box = defineEntity({
  name: 'Box',
  tableName: 'boxes',
  properties: {
    id: p.integer().primary(),
    parentId: p.integer().nullable(),
    label: p.text(),
    isOpen: p.boolean(),
    secret: p.text(),
  },
})
const Pair = defineEntity({
  name: 'Pair',
  tableName: 'pairs',
  properties: { left: p.integer().primary(), right: p.integer().primary() },
})

const boxes = {
  name: 'boxes',
  noun: 'box',
  entity: Box,
  scope: 'boxes:read',
  visibility: 'public',
  cache: 'short',
  fields: {
    id: integer('id'),
    label: text('label'),
    parentId: nullable(integer('parentId')),
    isOpen: flag('isOpen'),
  },
  hidden: ['secret'],
  sorts: ['id'],
  page: { limitDefault: 5, limitMax: 5 },
} as const

const briefly = { listSeconds: 50, itemSeconds: 30, staleSeconds: 10 } as const
const laggingBoxes: Resource = defineResource({
  ...boxes,
  name: 'lagging-boxes',
  cache: briefly,
  lagging: ['label'],
})

const pairsShape = {
  ...boxes,
  name: 'pairs',
  entity: Pair,
  fields: { left: integer('left'), right: integer('right') },
  hidden: [],
  sorts: ['left'],
} as const
const pairs = defineResource({ ...pairsShape, operations: 'list' })

// Each of these does not compile; where one did, `npm run check` would say that nothing was expected there.
const refusedByTheCompiler = [
  // @ts-expect-error -- there is no column `colour`
  () => defineResource({ ...boxes, fields: { ...boxes.fields, colour: text('colour') } }),
  // @ts-expect-error -- `secret` is neither shown nor hidden
  () => defineResource({ ...boxes, hidden: [] }),
  // @ts-expect-error -- there is no column `colour` to hide
  () => defineResource({ ...boxes, hidden: ['secret', 'colour'] }),
  // @ts-expect-error -- `secret` is hidden and cannot be sorted by
  () => defineResource({ ...boxes, sorts: ['secret'] }),
  // @ts-expect-error -- nor as one key of several
  () => defineResource({ ...boxes, sorts: [{ by: ['id', '-secret'] }] }),
  // @ts-expect-error -- a list has an order
  () => defineResource({ ...boxes, sorts: [] }),
  // @ts-expect-error -- `secret` is hidden and cannot be filtered by
  () => defineResource({ ...boxes, filters: { secret: 'equals' } }),
  // @ts-expect-error -- there is no such kind of filter
  () => defineResource({ ...boxes, filters: { label: 'like' } }),
  // @ts-expect-error -- only a field or the search can be required
  () => defineResource({ ...boxes, filtersRequired: ['secret'] }),
  // @ts-expect-error -- no column says when a row is removed
  () => defineResource({ ...boxes, removedAt: 'removedAt' }),
  // @ts-expect-error -- no column says whose a row is
  () => defineResource({ ...boxes, visibility: { organisation: 'organisationId' } }),
  // @ts-expect-error -- no column says from when a row is there
  () => defineResource({ ...boxes, boundary: { from: 'shownFrom' } }),
  // @ts-expect-error -- no column leads to the other row
  () => defineResource({ ...boxes, expand: { outer: one(() => pairs, 'outerId') } }),
  // @ts-expect-error -- there is no column `colour` that could lag
  () => defineResource({ ...boxes, lagging: ['colour'] }),
  // @ts-expect-error -- no column leads to the item that the list lives below
  () => defineResource({ ...boxes, parent: { resource: () => pairs, column: 'pairId' } }),
]

describe('a declaration', () => {
  it('that names no column, or forgets one, does not compile', () => {
    expect(refusedByTheCompiler).to.have.length(15)
  })

  const open = async (resource: Resource): Promise<void> => {
    const parts = { entities: [Box, Pair], resources: [resource], tables: [] }
    const fixture = await openFixture(parts)
    await fixture.lifecycle.stop()
  }

  it('that is right is opened', async () => {
    const resource: Resource = defineResource({
      ...boxes,
      filters: { id: 'range' },
      sorts: ['id', { by: ['parentId', '-label'], nulls: 'last' }],
      expand: { outer: one(() => resource, 'parentId') },
    })
    await open(resource)
    await open(laggingBoxes)
  })

  const wrong: readonly (readonly [fault: RegExp, declare: () => Resource])[] = [
    [
      /parentId may be NULL, so the sort -parentId must say where/,
      () => defineResource({ ...boxes, sorts: ['-parentId'] }),
    ],
    [
      /only a search has relevance/,
      () => defineResource({ ...boxes, sorts: ['id', '-relevance'] }),
    ],
    [
      /only sorted by relevance needs the filter q/,
      () =>
        defineResource({
          ...boxes,
          search: { vector: 'secret', similar: 'label' },
          sorts: ['-relevance'],
        }),
    ],
    [
      /isOpen has no form in a query/,
      () => defineResource({ ...boxes, filters: { isOpen: 'equals' } }),
    ],
    [
      /a prefix of label is a range only under the C collation/,
      () => defineResource({ ...boxes, filters: { label: 'prefix' } }),
    ],
    [
      /no answer is kept for more than 3600 s/,
      () =>
        defineResource({
          ...boxes,
          cache: { listSeconds: 3600, itemSeconds: 60, staleSeconds: 1 },
        }),
    ],
    [
      /a detail needs a primary key of one column/,
      () => defineResource({ ...pairsShape, operations: 'list-and-detail' }),
    ],
    [
      /pair expands to one of pairs, whose primary key has several columns/,
      () => defineResource({ ...boxes, expand: { pair: one(() => pairs, 'parentId') } }),
    ],
    [
      /pairs expands to pairs, which is no list below it/,
      () => defineResource({ ...boxes, expand: { pairs: many(() => pairs, 3) } }),
    ],
    [
      /what lags is served for at most 60 s, so its cache names seconds/,
      () => defineResource({ ...boxes, lagging: ['label'] }),
    ],
    [
      /what lags is served for at most 60 s, so its cache names seconds/,
      () =>
        defineResource({ ...boxes, lagging: ['label'], cache: { ...briefly, staleSeconds: 11 } }),
    ],
    [
      /label decides which rows are shown, so it cannot lag/,
      () =>
        defineResource({
          ...boxes,
          lagging: ['label'],
          cache: briefly,
          filters: { label: 'equals' },
        }),
    ],
    [
      /isOpen decides which rows are shown, so it cannot lag/,
      () =>
        defineResource({ ...boxes, lagging: ['isOpen'], cache: briefly, only: { isOpen: true } }),
    ],
    [
      /outer expands to lagging-boxes, which lags/,
      () => defineResource({ ...boxes, expand: { outer: one(() => laggingBoxes, 'parentId') } }),
    ],
  ]
  for (const [fault, declare] of wrong) {
    it(`is refused at the start: ${fault.source}`, async () => {
      const error = await open(declare()).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(Error).with.property('message').that.matches(fault)
    })
  }

  it('is refused when a field and an expansion have one name', () => {
    const declare = () =>
      defineResource({ ...boxes, expand: { label: one(() => pairs, 'parentId') } })
    expect(declare).to.throw('boxes has a field and an expansion called label')
  })
})
