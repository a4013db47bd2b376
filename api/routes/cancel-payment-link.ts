import { z } from 'zod'
import { cancelLink, getLinkForUpdate, problems } from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const cancelPaymentLink = defineWrite({
  operationId: 'cancelPaymentLink',
  summary: 'Cancel a payment link',
  method: 'post',
  path: '/payment-links/:id/cancel',
  scope: 'payment-links:write',
  activity: 'payment-link.cancelled',
  body: z.strictObject({}),
  answer: { status: 200, data: paymentLinks },
  problems: [problems.linkPaid, problems.linkClosed],
  async write(tx, slice, { caller, id }) {
    const link = await getLinkForUpdate(tx, caller, id)
    const isCancelled = await cancelLink(tx, slice, link)
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    const json = `{"data":${await readItem(slice, tx, item)}}`
    return { subjectId: isCancelled ? link.id : undefined, status: 200, headers: {}, body: json }
  },
})
