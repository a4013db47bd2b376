import { z } from 'zod'
import { createApiKey, newApiKeySchema, problems } from '#members'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { apiKeys } from '../resources/api-keys.ts'

/** The key as the list shows it, and its text, which is null in every repetition. */
const shownOnce = apiKeys.item.extend({ key: z.string().nullable() }).meta({ id: 'NewApiKey' })

/** `POST /api/v2/api-keys`: the only answer that ever shows the key. The answer that is kept for repetition says
 *  `"key": null` in its place: a secret that was stored to be repeated would no longer be one. Whoever lost the first
 *  answer deletes that key and makes another, with a new Idempotency-Key. */
export const postApiKey = defineWrite({
  operationId: 'createApiKey',
  summary: 'Make an API key',
  method: 'post',
  path: '/api-keys',
  scope: 'api-keys:write',
  activity: 'api-key.created',
  body: newApiKeySchema,
  answer: { status: 201, data: shownOnce },
  problems: [problems.scopeNotOfKind, problems.scopeNotHeld, problems.expiryPast],
  async write(tx, slice, { caller, body }) {
    const { id, text } = await createApiKey(tx, slice, caller, body)
    const item = await readItem(slice, tx, { resource: apiKeys, scope: scopeOf(caller), id })
    const show = (key: string | null): string =>
      `{"data":${item.slice(0, -1)},"key":${JSON.stringify(key)}}}`
    return {
      subjectId: id,
      status: 201,
      headers: { Location: `/api/v2/api-keys/${id}` },
      body: show(text),
      bodyRepeated: show(null),
    }
  },
})
