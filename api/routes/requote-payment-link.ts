import { ensureRates, problems as fxProblems } from '#fx'
import {
  getLinkForUpdate,
  problems,
  requoteLink,
  requoteSchema,
  settlementAssetsOf,
} from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const requotePaymentLink = defineWrite({
  operationId: 'requotePaymentLink',
  summary: 'Freeze new rates for a payment link',
  method: 'post',
  path: '/payment-links/:id/requote',
  scope: 'payment-links:write',
  activity: 'payment-link.requoted',
  body: requoteSchema,
  answer: { status: 200, data: paymentLinks },
  problems: [problems.linkClosed, fxProblems.rateUnavailable, fxProblems.amountOutOfRange],
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
    const link = await getLinkForUpdate(tx, caller, id)
    await requoteLink(tx, slice, link, body)
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    const json = `{"data":${await readItem(slice, tx, item)}}`
    return { subjectId: link.id, status: 200, headers: {}, body: json }
  },
})
