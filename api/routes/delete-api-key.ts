import { z } from 'zod'
import { revokeApiKey } from '#members'
import { defineWrite } from '../http/define-write.ts'

/** `DELETE /api/v2/api-keys/:id`: the key is good for nothing from the commit on, also the one that asks for it. It
 *  stays in the list, with the time of its end. */
export const deleteApiKey = defineWrite({
  operationId: 'deleteApiKey',
  summary: 'Revoke an API key',
  method: 'delete',
  path: '/api-keys/:id',
  scope: 'api-keys:write',
  activity: 'api-key.revoked',
  body: z.undefined(),
  answer: { status: 204 },
  problems: [],
  async write(tx, _slice, { caller: { organisationId }, id }) {
    const subjectId = await revokeApiKey({ db: tx }, { organisationId, keyId: id })
    return { subjectId, status: 204, headers: {}, body: '' }
  },
})
