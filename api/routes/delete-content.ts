import { z } from 'zod'
import { deleteContent, getContentForUpdate } from '#content'
import { defineWrite } from '../http/define-write.ts'

/** `DELETE /api/v2/contents/:id`: nobody finds it any more. What members did with it stays in their history. */
export const deleteContentRoute = defineWrite({
  operationId: 'deleteContent',
  summary: 'Delete a content',
  method: 'delete',
  path: '/contents/:id',
  scope: 'contents:write',
  activity: 'content.deleted',
  body: z.undefined(),
  answer: { status: 204 },
  problems: [],
  async write(tx, slice, { caller, id }) {
    const content = await getContentForUpdate(tx, caller, id)
    await deleteContent(tx, slice, content)
    return { subjectId: content.id, status: 204, headers: {}, body: '' }
  },
})
