import type { Request, RequestHandler } from 'express'
import { findAdmin } from '#members'
import { Problem } from '#platform/problem'
import type { ApiSlice } from '../slice.ts'
import { problems } from './problems.ts'

/** Fails as a defect would, so that an operator sees whether errors arrive where they are filed. For the role admin only;
 *  to anybody else it is not there. */
export function failOnPurpose({ db }: Pick<ApiSlice, 'db'>): RequestHandler {
  return async (request) => {
    if (!(await isAdmin(db, request))) {
      throw new Problem(problems.routeUnknown, 'No route of this API has this path.')
    }
    throw new Error('a test of the error tracker')
  }
}

async function isAdmin(db: ApiSlice['db'], request: Request): Promise<boolean> {
  const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.get('authorization') ?? '')?.[1]
  const admin = token === undefined ? undefined : await findAdmin(db, token)
  return admin?.role === 'admin'
}
