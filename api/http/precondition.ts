import type { Request } from 'express'
import { Problem } from '#platform/problem'
import { problems } from './problems.ts'

/** The version that a write expects, from `If-Match: "7"`.
 *  A weak validator never matches (RFC 9110, 13.1.1), so the ETag of a read cannot be used by mistake.
 *  @throws {Problem} http/precondition-missing, http/precondition-failed */
export function expectedVersion(request: Request): number {
  const header = request.get('if-match')
  if (header === undefined) {
    throw new Problem(
      problems.preconditionMissing,
      'Send If-Match with the version in double quotes.',
    )
  }
  const version = /^"(\d{1,9})"$/.exec(header.trim())?.[1]
  if (version === undefined) {
    throw versionChanged()
  }
  return Number(version)
}

/** The answer to a write whose version is not the current one. */
export function versionChanged(): Problem {
  return new Problem(problems.preconditionFailed, 'If-Match does not name the current version.')
}
