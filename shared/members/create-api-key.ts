import type { Clock } from '#platform/clock'
import type { Transaction } from '#platform/database/transaction'
import { Problem, type ProblemType } from '#platform/problem'
import type { Random } from '#platform/random'
import type { Caller } from './find-caller.ts'
import { issueApiKey, type IssuedCredential } from './issue-credential.ts'
import type { NewApiKey } from './new-api-key.ts'
import { problems } from './problems.ts'
import { scopesOf, type Scope } from './scope.ts'

type Slice = { readonly clock: Clock; readonly random: Random }

/** Makes a key at the request of another one, which cannot give what it does not hold itself.
 *  @throws {Problem} members/scope-not-of-kind, members/scope-not-held, members/expiry-past */
export async function createApiKey(
  tx: Transaction,
  { clock, random }: Slice,
  caller: Caller,
  { kind, name, expiresAt, ...wanted }: NewApiKey,
): Promise<IssuedCredential> {
  if (expiresAt && expiresAt <= clock.now()) {
    throw new Problem(problems.expiryPast, 'expiresAt is in the past.', {
      faults: [{ detail: 'must be in the future', pointer: '#/expiresAt' }],
    })
  }
  const { organisationId } = caller
  const scopes = grantableScopes(caller, kind, wanted.scopes)
  const key = { organisationId, kind, name, scopes, ...(expiresAt && { expiresAt }) }
  return issueApiKey({ db: tx, random }, key)
}

function grantableScopes(
  caller: Caller,
  kind: NewApiKey['kind'],
  wanted: readonly Scope[] | undefined,
): readonly Scope[] {
  const possible = scopesOf[kind]
  if (wanted === undefined) {
    const granted = possible.filter((scope) => caller.scopes.includes(scope))
    if (granted.length === 0) {
      throw new Problem(
        problems.scopeNotHeld,
        `The calling key holds nothing that a ${kind} key may have.`,
      )
    }
    return granted
  }
  refuseOthers(wanted, possible, {
    type: problems.scopeNotOfKind,
    detail: `a ${kind} key cannot have it`,
  })
  refuseOthers(wanted, caller.scopes, {
    type: problems.scopeNotHeld,
    detail: 'the calling key does not have it',
  })
  return wanted
}

/** @throws {Problem} with a fault for each scope that is not among the allowed */
function refuseOthers(
  wanted: readonly Scope[],
  allowed: readonly Scope[],
  { type, detail }: { readonly type: ProblemType; readonly detail: string },
): void {
  const faults = wanted.flatMap((scope, index) =>
    allowed.includes(scope) ? [] : [{ detail, pointer: `#/scopes/${index}` }],
  )
  if (faults.length > 0) {
    throw new Problem(type, 'A scope that was asked for cannot be given.', { faults })
  }
}
