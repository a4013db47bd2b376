import { sql } from 'kysely'
import { createOrganisation } from '#members'
import type { Runner } from '#platform/database/database'
import { CommandError } from '../command-error.ts'
import { withoutIndexes } from './bulk-load.ts'
import { listPurchases, type Purchases } from './list-purchases.ts'
import { loadCatalogue } from './load-catalogue.ts'
import { loadContents } from './load-contents.ts'
import { loadLinks, stageRates } from './load-links.ts'
import { loadRateHistory, replayLastDay } from './load-rates.ts'
import { readOrderLines } from './order-lines.ts'
import { sumProducts, type ProductFacts } from './product-facts.ts'
import { inTransaction } from './session.ts'
import { loadMembers, stageInvoices, sumInvoices, type Invoices } from './stage-invoices.ts'

/** How many invoices the published file has. */
export const demoLinks = 25_900

/** Copies beyond this would leave the day of their invoice, and with it the day's rates. */
export const demoLinksMax = 600 * demoLinks

const demo = {
  name: 'Tidegate Demo Gifts',
  slug: 'demo',
  defaultCurrency: 'GBP',
  settlementAssets: ['EUR', 'USD', 'AUD', 'JPY'],
} as const

export type SeedOptions = {
  readonly now: Date
  /** Told what is about to be done, in words for a terminal. */
  readonly report: (step: string) => void
  readonly signal?: AbortSignal
}

/** Loads the demo business of DESIGN 8 into a migrated database that holds nothing else: the organisation, its members,
 *  the ECB's history, a product for every stock code and a page for every product, a payment link with events and four
 *  snapshots for every invoice, and every purchase. One transaction: it is all there or nothing is. Loaded already, it only
 *  sees to it that today has rates. 15 to 25 s the first time on two cores.
 *  @throws {CommandError} when the database has another organisation; the signal's reason when aborted */
export async function seedDemo(databaseUrl: string, options: SeedOptions): Promise<void> {
  await seedLinks(databaseUrl, { ...options, links: demoLinks })
}

/** Like `seedDemo`, then copies the invoices until there are `links` links, in the same transaction. Adds to what an
 *  earlier run made and never removes any. Nobody else can read links, events and snapshots until it is done.
 *  @param options.links how many links in all, from 25,900 to `demoLinksMax` */
export async function seedLinks(
  databaseUrl: string,
  options: SeedOptions & { readonly links: number },
): Promise<void> {
  const { now, report, signal, links } = options
  await inTransaction(databaseUrl, signal, async (tx) => {
    await tx.run(sql`select pg_advisory_xact_lock(${lockKey}::bigint)`)
    await tx.run(sql`
      select set_config('work_mem', '64MB', true), set_config('maintenance_work_mem', '256MB', true)`)
    const found = await findDemo(tx)
    const organisationId = found?.organisationId ?? (await createOrganisation({ db: tx }, demo))
    const { links: made = 0, products = 0, contents = 0 } = found ?? {}
    const progress = { organisationId, links: made, products, contents }
    const isWhole = made >= links && products > 0 && contents > 0
    const sums = isWhole ? undefined : sumLines()
    await Promise.all([sums, found ?? loadRates(tx, { now, report })])
    await replayLastDay(tx, now)
    if (sums) {
      await extend(tx, progress, { links, now, report, ...(await sums) })
    }
  })
}

async function loadRates(tx: Runner, { now, report }: Pick<SeedOptions, 'now' | 'report'>) {
  report('loading the exchange rates of the European Central Bank since 1999')
  await withoutIndexes(tx, { tables: ['fx_rates'] }, () => loadRateHistory(tx, now))
}

/** Lets one loader in at a time. */
const lockKey = 7_433_646

type Progress = {
  readonly organisationId: string
  readonly links: number
  readonly products: number
  readonly contents: number
}

/** How far the demo has been loaded, if it was. @throws {CommandError} when the database is somebody else's */
async function findDemo(db: Runner): Promise<Progress | undefined> {
  const organisations = await db.run(sql<{
    id: string
    slug: string
    links: number | null
    products: number
    contents: number
  }>`
    select id, slug, (settings #>> '{demo,links}')::integer as links,
           coalesce((settings #>> '{demo,products}')::integer, 0) as products,
           coalesce((settings #>> '{demo,contents}')::integer, 0) as contents
      from organisations order by slug limit 10`)
  const strangers = organisations.filter(({ slug, links }) => slug !== demo.slug || links === null)
  if (strangers.length > 0) {
    const slugs = strangers.map(({ slug }) => slug).join(', ')
    throw new CommandError(
      'the demo was not loaded',
      `the database belongs to someone else: it holds the organisation ${slugs}`,
      'give the demo a database of its own: create one, set DATABASE_URL and run npm run migrate -- up',
    )
  }
  const [row] = organisations
  if (row === undefined) {
    return undefined
  }
  const { id: organisationId, products, contents } = row
  return { organisationId, links: row.links ?? 0, products, contents }
}

const linkTables = {
  tables: ['payment_links', 'payment_events', 'fx_snapshots'],
  kept: ['idx_fx_snapshots_link_type'],
}

type Sums = {
  readonly invoices: Invoices
  readonly products: readonly ProductFacts[]
  readonly purchases: Purchases
}

async function sumLines(): Promise<Sums> {
  const lines = await readOrderLines()
  return {
    invoices: sumInvoices(lines),
    products: sumProducts(lines),
    purchases: listPurchases(lines),
  }
}

type Target = Pick<SeedOptions, 'now' | 'report'> & Sums & { readonly links: number }

/** Makes what is missing, the products first, and marks how much there is. */
async function extend(db: Runner, progress: Progress, target: Target): Promise<void> {
  const { organisationId } = progress
  if (progress.products === 0) {
    target.report(`putting ${target.products.length} products into their categories`)
    await loadCatalogue(db, { organisationId, products: target.products })
  }
  if (progress.links < target.links) {
    await addLinks(db, progress, target)
  }
  const { now, purchases } = target
  if (progress.contents === 0) {
    target.report(`taking ${purchases.codes.length} purchases down to the pages of the products`)
    await loadContents(db, { organisationId, purchases, now })
  }
  const count = target.products.length
  const marks = {
    links: Math.max(progress.links, target.links),
    products: count,
    contents: count,
  }
  await db.run(sql`
    update organisations set settings = jsonb_set(settings, '{demo}', ${JSON.stringify(marks)}::jsonb)
     where id = ${organisationId}::uuid`)
}

/** A copy of the invoices at a time. */
async function addLinks(db: Runner, { organisationId, links }: Progress, target: Target) {
  target.report('adding up 541,909 lines of 25,900 invoices')
  await stageInvoices(db, target.invoices)
  if (links === 0) {
    await loadMembers(db, organisationId)
  }
  await stageRates(db, organisationId)
  await withoutIndexes(db, linkTables, async () => {
    for (let made = links; made < target.links;) {
      const skip = made % demoLinks
      const linksMax = Math.min(demoLinks - skip, target.links - made)
      target.report(`making payment links ${made + 1} to ${made + linksMax} of ${target.links}`)
      const copy = Math.floor(made / demoLinks)
      made += await loadLinks(db, { organisationId, copy, skip, linksMax })
    }
    target.report('building their indexes')
  })
}

export { issueDemoCredentials, type DemoCredentials } from './issue-credentials.ts'
