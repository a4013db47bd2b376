import { z } from 'zod'
import { cancelLink, getLinkForUpdate } from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const cancelPaymentLink = defineWrite({
  method: 'post',
  path: '/payment-links/:id/cancel',
  scope: 'payment-links:write',
  body: z.strictObject({}),
  async write(tx, slice, { caller, id }) {
    await cancelLink(tx, slice, await getLinkForUpdate(tx, caller, id))
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    return { status: 200, headers: {}, body: `{"data":${await readItem(slice, tx, item)}}` }
  },
})
