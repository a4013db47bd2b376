import { ensureRates, problems as fxProblems } from '#fx'
import {
  changeLink,
  getLinkForUpdate,
  linkChangesSchema,
  problems,
  settlementAssetsOf,
} from '#payments'
import { scopeOf } from '../http/authenticate.ts'
import { defineWrite } from '../http/define-write.ts'
import { expectedVersion, versionChanged } from '../http/precondition.ts'
import { readItem } from '../http/read-resource.ts'
import { paymentLinks } from '../resources/payment-links.ts'

export const changePaymentLink = defineWrite({
  operationId: 'changePaymentLink',
  summary: 'Change a payment link',
  method: 'patch',
  path: '/payment-links/:id',
  scope: 'payment-links:write',
  activity: 'payment-link.updated',
  body: linkChangesSchema,
  answer: { status: 200, data: paymentLinks },
  problems: [
    problems.referenceTaken,
    problems.expiryPast,
    problems.linkClosed,
    problems.amountFixed,
    fxProblems.rateUnavailable,
    fxProblems.amountOutOfRange,
  ],
  async prepare({ db, fx }, { caller, body, request }) {
    expectedVersion(request) // no rate is fetched for a request that cannot succeed
    if (body.amount) {
      const quotes = await settlementAssetsOf(db, caller.organisationId)
      await ensureRates(fx, body.amount.currency, quotes)
    }
  },
  async write(tx, slice, { caller, body, id, request }) {
    const version = expectedVersion(request)
    const link = await getLinkForUpdate(tx, caller, id)
    if (link.version !== version) {
      throw versionChanged()
    }
    await changeLink(tx, slice, link, body)
    const item = { resource: paymentLinks, scope: scopeOf(caller), id }
    const json = `{"data":${await readItem(slice, tx, item)}}`
    return { subjectId: link.id, status: 200, headers: {}, body: json }
  },
})
