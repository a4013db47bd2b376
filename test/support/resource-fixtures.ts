import { sql, type RawBuilder } from 'kysely'
import { roles } from '#members'
import { assets } from '#money'
import { readsOf } from '../../api/http/resource-reads.ts'
import type { Resource } from '#platform/resource/define-resource'

/** Columns of a row, by their names in the database. An expression may speak of the row that is copied as `t`. */
export type Columns = Readonly<
  Record<string, string | number | boolean | null | RawBuilder<unknown>>
>

/** What the contract suite cannot read in a declaration. */
export type Fixture = {
  /** How the n-th copy of a row differs from it: at least what has to be unique. Absent where a caller sees one row only. */
  readonly another?: (n: number) => Columns
  /** What makes a copy invisible, one for each thing that the declaration hides rows by. */
  readonly hidden?: readonly Columns[]
  /** Values for the filters that the list needs, which select enough rows to page through. */
  readonly needs?: Readonly<Record<string, string>>
  /** The tables that a view joins, with their keys; the first is the one whose changes are told. */
  readonly parts?: readonly { readonly table: string; readonly key: string }[]
}

const cycle = <T>(values: readonly [T, ...T[]], n: number): T =>
  values[n % values.length] ?? values[0]
const long = "interval '9 days'"
const later = sql`now() + ${sql.raw(long)}`
const earlier = sql`now() - ${sql.raw(long)}`
const fiat = assets.filter(({ kind }) => kind === 'fiat').map(({ code }) => code)
const currency = (n: number): string => fiat[(n + 40) % fiat.length] ?? 'GBP'
const id = sql`gen_random_uuid()`

/** Texts that stand in another order wherever they are not compared code point by code point. */
const titles = [
  'lantern',
  'Lantern ',
  'Lantern-é',
  'LANTERN',
  'Lantern \u{1f3ee}',
  'Lantern \uffee',
] as const
const product = (n: number): Columns => ({
  sku: `T${n}`,
  slug: `tale-${n}`,
  title: cycle(titles, n),
  kind: cycle(['physical', 'digital', 'service'], n),
  category_id: sql`(select c.id from categories c where c.organisation_id = t.organisation_id and c.slug = ${`shelf-${1 + (n % 3)}`})`,
})
const hiddenProducts: readonly Columns[] = [
  { ...product(9001), status: 'draft' },
  { ...product(9002), deleted_at: earlier },
  { ...product(9003), published_at: later },
]
const content = (n: number): Columns => ({
  slug: `another-${n}`,
  author_id: sql`case when ${n}::integer % 3 = 0 then null else t.author_id end`,
})
const hiddenContents: readonly Columns[] = [
  { ...content(9001), status: 'draft' },
  { ...content(9002), deleted_at: earlier },
  { ...content(9003), published_at: later },
]
const rankingFrom = (first: number): Fixture => ({
  hidden: hiddenContents.map((columns, index) => ({ ...columns, ...content(first + index) })),
  parts: [
    { table: 'contents', key: 'id' },
    { table: 'content_scores', key: 'content_id' },
  ],
})
const contentWithoutTag = sql`
  (select c.id from contents c
    where c.organisation_id = t.organisation_id and c.status = 'published' and c.deleted_at is null
      and c.published_at <= now()
      and not exists (select from content_tags x where x.tag_id = t.tag_id and x.content_id = c.id)
    order by c.id limit 1)`
const role = (n: number): Columns => ({ role: cycle(roles, n) })

/** By the path of the list below `/api/v2`. A new resource needs one line here, and one row in the world. */
const fixtures: Readonly<Record<string, Fixture>> = {
  'payment-links': {
    another: (n) => ({
      short_code: `T${n}`,
      external_reference: n % 3 === 0 ? null : `R-${n}`,
      status: cycle(['open', 'paid', 'draft', 'expired'], n),
      currency: cycle(['GBP', 'USD', 'JPY', 'KWD'], n),
    }),
    hidden: [{ short_code: 'GONE', external_reference: 'GONE', deleted_at: earlier }],
  },
  'payment-links/:id/items': { another: (n) => ({ name: `Ribbon ${n}` }) },
  'payment-links/:id/events': { another: (n) => ({ type: cycle(['paid', 'failed'], n) }) },
  'payment-events': { another: (n) => ({ type: cycle(['paid', 'failed'], n) }) },
  'payment-links/:id/fx-snapshots': {
    another: (n) => ({ set_id: id, snapshot_type: cycle(['settlement', 'refund'], n) }),
  },
  'payment-links/:id/ledger-entries': { another: (n) => ({ amount_minor: 100 + n }) },
  'payment-links/:id/xero-syncs': { another: (n) => ({ attempts: n }) },
  'fx/rates/history': {
    another: (n) => ({ provider: `publisher-${n}`, base_asset: n % 3 === 0 ? 'CHF' : 'EUR' }),
    hidden: [{ provider: 'wrong', excluded: true, exclusion_reason: 'a jump' }],
    needs: { base: 'EUR', quote: 'USD,JPY' },
  },
  assets: { another: (n) => ({ code: `${cycle(['X', 'x', 'Ä'], n)}${n}` }) },
  categories: {
    another: (n) => ({
      slug: `part-${n}`,
      path: sql`left(t.path, length(t.path) - length(t.slug)) || ${`part-${n}`}`,
    }),
  },
  'products/search': { another: product, hidden: hiddenProducts, needs: { q: 'lantern' } },
  products: { another: product, hidden: hiddenProducts },
  'products/:id/pricing': {
    another: (n) => ({ currency: currency(n) }),
    hidden: [
      { currency: currency(-1), valid_from: later },
      { currency: currency(-2), valid_from: sql`${earlier} - interval '1 day'`, valid_to: earlier },
    ],
  },
  'products/:id/inventory': {
    another: (n) => ({ location: `${cycle(['shed', 'Shed', 'é'], n)}-${n}` }),
  },
  'contents/top': { ...rankingFrom(9100), another: content },
  'contents/trending': { ...rankingFrom(9200), another: content },
  contents: { another: content, hidden: hiddenContents },
  'contents/:id/tags': {
    // behind those that there are, which have the time of their making in front
    another: () => ({ tag_id: sql`('f' || right(gen_random_uuid()::text, 35))::uuid` }),
  },
  'contents/:id/comments': {
    another: (n) => ({ comment: `Comment ${n}` }),
    hidden: [{ type: 'view', comment: null }],
  },
  tags: { another: (n) => ({ name: `another-${n}` }) },
  'tags/:id/contents': {
    another: () => ({ content_id: sql`coalesce(${contentWithoutTag}, gen_random_uuid())` }),
    hidden: [
      { content_id: id, is_listed: false },
      { content_id: id, published_at: later },
    ],
  },
  'editorial/contents': {
    another: (n) => ({
      ...content(n),
      status: cycle(['draft', 'published', 'archived'], n),
    }),
    hidden: [{ ...content(9300), deleted_at: earlier }],
  },
  'members/:id/interactions': {
    another: (n) => ({ type: cycle(['view', 'like', 'share'], n), comment: null }),
  },
  organisations: {},
  members: {
    another: (n) => ({
      email: `another-${n}@example.org`,
      status: cycle(['active', 'suspended', 'removed'], n),
      tier: cycle(['standard', 'gold'], n),
    }),
  },
  'members/:id/roles': { another: role },
  'members/:id/activity': { another: (n) => ({ action: cycle(['signed-in', 'signed-out'], n) }) },
  roles: { another: role },
  'api-keys': { another: (n) => ({ key_hash: sql`sha256(${`key ${n}`}::text::bytea)` }) },
  activity: {
    another: (n) => ({
      action: cycle(['signed-in', 'signed-out'], n),
      subject_id: `subject-${n % 4}`,
    }),
  },
  'ledger/accounts': { another: (n) => ({ code: `till${n % 3}`, asset: currency(n) }) },
  'ledger/entries': { another: (n) => ({ amount_minor: 100 + n }) },
  'accounting/xero/syncs': { another: (n) => ({ attempts: n }) },
}

/** The path of a resource's list below `/api/v2`, with `:id` in it below a parent. */
export function placeOf(resource: Resource): string {
  return (readsOf(resource)[0]?.path ?? '').replace('/api/v2/', '')
}

/** @throws {Error} when the table has no line for the resource, saying what to add */
export function fixtureOf(resource: Resource): Fixture {
  const place = placeOf(resource)
  const fixture = fixtures[place]
  if (!fixture) {
    throw new Error(
      `the contract suite knows no '${place}': add a line to the table in test/support/resource-fixtures.ts that says in which columns a second row differs`,
    )
  }
  return fixture
}
