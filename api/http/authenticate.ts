import type { Request } from 'express'
import { findCaller, type Caller } from '#members'
import type { Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import type { Scope } from '#platform/resource/list-query'
import { exchangeOf } from './exchange.ts'
import { problems } from './problems.ts'

/** The caller of a request, who must hold the scope. Organisation and member come from the credential alone.
 *  @throws {Problem} http/credential-missing, http/credential-invalid, http/scope-missing */
export async function authenticate(
  runner: Runner,
  request: Request,
  scope: string,
): Promise<Caller> {
  const caller = await identify(runner, request)
  requireScope(caller, scope)
  return caller
}

/** The caller of a request, whatever it may do.
 *  @throws {Problem} http/credential-missing, http/credential-invalid */
export async function identify(runner: Runner, request: Request): Promise<Caller> {
  const header = request.get('authorization')
  if (header === undefined) {
    throw new Problem(problems.credentialMissing, 'The Authorization header is missing.')
  }
  const credential = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1]
  const caller = credential === undefined ? undefined : await findCaller(runner, credential)
  if (!caller) {
    throw new Problem(problems.credentialInvalid, 'The credential is unknown, expired or revoked.')
  }
  exchangeOf(request).caller = caller
  return caller
}

/** @throws {Problem} http/scope-missing */
export function requireScope(caller: Caller, scope: string): void {
  if (!caller.scopes.some((held) => held === scope)) {
    throw new Problem(problems.scopeMissing, `This credential lacks the scope ${scope}.`, {
      facts: { scope },
    })
  }
}

/** What the caller may see: the rows of its organisation, and for a member's token only the member's own. */
export function scopeOf(caller: Caller): Scope {
  return {
    organisationId: caller.organisationId,
    ...(caller.memberId !== undefined && { memberId: caller.memberId }),
  }
}
