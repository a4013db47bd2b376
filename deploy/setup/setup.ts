import {
  createOrganisation,
  issueAdminToken,
  issueApiKey,
  retireCredentials,
  type NewOrganisation,
} from '#members'
import type { Clock } from '#platform/clock'
import type { Database, Runner } from '#platform/database/database'
import { transaction } from '#platform/database/transaction'
import type { Random } from '#platform/random'
import { sql } from 'kysely'
import { CommandError } from '../../migrations/command-error.ts'

type Slice = { readonly db: Database; readonly clock: Clock; readonly random: Random }

/** What an operator is shown once and must keep. */
export type Installation = {
  readonly organisationId: string
  readonly slug: string
  readonly secretKey: string
  readonly publishableKey: string
  readonly adminToken: string
  /** An `id:secret` pair for CURSOR_KEYS; it is stored nowhere, the operator configures it. */
  readonly cursorKey: string
}

/** Makes the first organisation of an installation with its keys, and the token of its first admin: all or nothing.
 *  @throws {CommandError} when there is an organisation already */
export async function setUp(slice: Slice, organisation: NewOrganisation): Promise<Installation> {
  return transaction(slice, async (tx) => {
    await lock(tx)
    const existing = await listSlugs(tx)
    if (existing.length > 0) {
      throw new CommandError(
        'nothing was set up',
        `this installation has been set up: it holds the organisation ${existing.join(', ')}`,
        'npm run setup -- rotate issues new keys and retires the old ones',
      )
    }
    const organisationId = await createOrganisation({ db: tx }, organisation)
    return issueAll({ db: tx, random: slice.random }, organisationId, organisation.slug)
  })
}

type Rotation = { readonly slug: string | undefined; readonly overlapSeconds: number }

/** Issues new keys and a new admin token; the old ones work for `overlapSeconds` more. Members keep their tokens.
 *  @throws {CommandError} when it is not clear whose keys are meant */
export async function rotate(
  slice: Slice,
  { slug, overlapSeconds }: Rotation,
): Promise<Installation> {
  return transaction(slice, async (tx) => {
    await lock(tx)
    const chosen = await chooseOrganisation(tx, slug)
    await retireCredentials({ db: tx }, { organisationId: chosen.id, overlapSeconds })
    return issueAll({ db: tx, random: slice.random }, chosen.id, chosen.slug)
  })
}

async function issueAll(
  slice: { readonly db: Runner; readonly random: Random },
  organisationId: string,
  slug: string,
): Promise<Installation> {
  const name = 'npm run setup'
  const secret = await issueApiKey(slice, { organisationId, kind: 'secret', name })
  const publishable = await issueApiKey(slice, { organisationId, kind: 'publishable', name })
  const admin = await issueAdminToken(slice, { name, role: 'admin' })
  return {
    organisationId,
    slug,
    secretKey: secret.text,
    publishableKey: publishable.text,
    adminToken: admin.text,
    cursorKey: mintCursorKey(slice.random),
  }
}

/** A key ring refuses an id that it has already, so the id is drawn as well. */
function mintCursorKey(random: Random): string {
  return `k${random.bytes(4).toString('hex')}:${random.bytes(32).toString('base64url')}`
}

/** Two operators at once make one installation. */
async function lock(db: Runner): Promise<void> {
  await db.run(sql`select pg_advisory_xact_lock(${lockKey}::bigint)`)
}

const lockKey = 7_433_647

async function listSlugs(db: Runner): Promise<readonly string[]> {
  const rows = await db.run(
    sql<{ slug: string }>`select slug from organisations order by slug limit 10`,
  )
  return rows.map(({ slug }) => slug)
}

async function chooseOrganisation(db: Runner, slug: string | undefined) {
  const found = await db.run(sql<{ id: string; slug: string }>`
    select id, slug from organisations where slug = coalesce(${slug ?? null}::text, slug) limit 2`)
  const [organisation, other] = found
  if (organisation === undefined) {
    throw new CommandError(
      'no keys were rotated',
      slug === undefined ? 'there is no organisation yet' : `there is no organisation ${slug}`,
      'npm run setup -- --help shows how to make one',
    )
  }
  if (other !== undefined) {
    throw new CommandError(
      'no keys were rotated',
      'there are several organisations, and rotating renews the keys of one',
      'say which: npm run setup -- rotate --slug SLUG',
    )
  }
  return organisation
}
