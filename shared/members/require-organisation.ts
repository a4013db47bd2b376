import { sql } from 'kysely'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { operatorProblems } from './problems.ts'

/** For whoever names an organisation that is not the caller's own.  @throws {Problem} members/organisation-missing */
export async function requireOrganisation(db: Runner, organisationId: string): Promise<void> {
  const found = await db.run(
    sql`select 1 from organisations where id = ${organisationId}::uuid for key share`,
  )
  if (found.length === 0) {
    throw new Problem(
      operatorProblems.organisationMissing,
      `There is no organisation ${organisationId}.`,
    )
  }
}
