import { ensureRates, problems as fxProblems } from '#fx'
import { createLink, newLinkSchema, problems, settlementAssetsOf } from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const createPaymentLink = defineWrite({
  operationId: 'createPaymentLink',
  summary: 'Create a payment link',
  method: 'post',
  path: '/payment-links',
  scope: 'payment-links:write',
  activity: 'payment-link.created',
  body: newLinkSchema,
  answer: { status: 201, data: paymentLinks },
  problems: [
    problems.referenceTaken,
    problems.memberUnknown,
    problems.assetNotAccepted,
    problems.expiryPast,
    fxProblems.rateUnavailable,
    fxProblems.amountOutOfRange,
  ],
  async prepare({ db, fx }, { caller, body }) {
    const quotes = await settlementAssetsOf(db, caller.organisationId)
    await ensureRates(fx, body.currency, quotes, { allowStale: body.allowStaleRates })
  },
  async write(tx, slice, { caller, body }) {
    const id = await createLink(tx, slice, caller, body)
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    return {
      subjectId: id,
      status: 201,
      headers: { Location: `/api/v2/payment-links/${id}` },
      body: `{"data":${await readItem(slice, tx, item)}}`,
    }
  },
})
