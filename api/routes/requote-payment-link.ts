import { ensureRates } from '#fx'
import { getLinkForUpdate, requoteLink, requoteSchema, settlementAssetsOf } from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const requotePaymentLink = defineWrite({
  method: 'post',
  path: '/payment-links/:id/requote',
  scope: 'payment-links:write',
  body: requoteSchema,
  async prepare(slice, { caller, body, id }) {
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    const selection = { fields: ['currency'], expand: {} }
    const link = paymentLinks.item
      .pick({ currency: true })
      .parse(JSON.parse(await readItem(slice, slice.db, { ...item, selection })))
    const quotes = await settlementAssetsOf(slice.db, caller.organisationId)
    const allowStale = body.allowStaleRates
    await ensureRates(slice.fx, String(link['currency']), quotes, { allowStale })
  },
  async write(tx, slice, { caller, body, id }) {
    await requoteLink(tx, slice, await getLinkForUpdate(tx, caller, id), body)
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    return { status: 200, headers: {}, body: `{"data":${await readItem(slice, tx, item)}}` }
  },
})
