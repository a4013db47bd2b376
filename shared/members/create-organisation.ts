import { sql } from 'kysely'
import { findAsset } from '#money'
import type { Runner } from '#platform/database/database'
import { Problem, type Fault } from '#platform/problem'
import { problems } from './problems.ts'

/** What an organisation is made of; the rest has defaults. */
export type NewOrganisation = {
  readonly name: string
  /** Lower-case letters, digits and single hyphens, at most 63: it stands in URLs and host names. */
  readonly slug: string
  /** The code of an active asset. */
  readonly defaultCurrency: string
  /** Exactly four different active assets: those that every payment link freezes a rate for. */
  readonly settlementAssets: readonly string[]
}

/** Makes an organisation and returns its id. Works inside a transaction (`db: tx`) and outside.
 *  @throws {Problem} members/organisation-invalid with every fault; members/organisation-slug-taken */
export async function createOrganisation(
  { db }: { readonly db: Runner },
  organisation: NewOrganisation,
): Promise<string> {
  const faults = findOrganisationFaults(organisation)
  if (faults.length > 0) {
    throw new Problem(
      problems.organisationInvalid,
      'The organisation cannot be made as described.',
      {
        faults,
      },
    )
  }
  const { name, slug, defaultCurrency, settlementAssets } = organisation
  const [row] = await db.run(sql<{ id: string }>`
    insert into organisations (name, slug, default_currency, settlement_assets)
    values (${name.trim()}, ${slug}, ${defaultCurrency}, ${settlementAssets}::text[])
    on conflict (slug) do nothing
    returning id`)
  if (row === undefined) {
    throw new Problem(problems.organisationSlugTaken, `There is an organisation ${slug} already.`)
  }
  return row.id
}

/** Everything that is wrong with a description of an organisation, with a JSON pointer each; empty when nothing is. */
export function findOrganisationFaults(organisation: NewOrganisation): readonly Fault[] {
  const { name, slug, defaultCurrency, settlementAssets } = organisation
  const faults: Fault[] = []
  const report = (pointer: string, detail: string): void => void faults.push({ pointer, detail })
  if (name.trim() === '' || name.length > nameLengthMax) {
    report('#/name', `must have 1 to ${nameLengthMax} characters`)
  }
  if (slug.length > slugLengthMax || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug)) {
    report(
      '#/slug',
      `must be lower-case letters, digits and single hyphens, at most ${slugLengthMax}`,
    )
  }
  if (findAsset(defaultCurrency)?.isActive !== true) {
    report('#/defaultCurrency', `${defaultCurrency} is not the code of an active asset`)
  }
  if (settlementAssets.length !== 4 || new Set(settlementAssets).size !== 4) {
    report('#/settlementAssets', 'must be four different assets')
  }
  for (const [position, code] of settlementAssets.entries()) {
    if (findAsset(code)?.isActive !== true) {
      report(`#/settlementAssets/${position}`, `${code} is not the code of an active asset`)
    }
  }
  return faults
}

const nameLengthMax = 200
/** What a label of a host name may have, RFC 1035. */
const slugLengthMax = 63
