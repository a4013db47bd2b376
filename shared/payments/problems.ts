import { defineProblems } from '#platform/problem'

export const problems = defineProblems('payments', {
  referenceTaken: {
    kind: 'conflict',
    title: 'Another payment link has this reference',
    advice:
      'References are unique within an organisation. Look the other link up with `?reference=`.',
  },
  memberUnknown: {
    kind: 'invalid',
    title: 'The member does not exist',
    advice: 'Use the id of a member of your organisation.',
  },
  assetNotAccepted: {
    kind: 'invalid',
    title: 'The asset is not one of the settlement assets',
    advice: 'Choose from the four settlement assets of your organisation.',
  },
  expiryPast: {
    kind: 'invalid',
    title: 'The link would already have expired',
    advice: 'Choose an instant in the future, or null for a link that does not expire.',
  },
  linkClosed: {
    kind: 'conflict',
    title: 'The payment link is closed',
    advice: 'Links that are paid, expired or cancelled do not change any more. Make a new one.',
  },
  amountFixed: {
    kind: 'conflict',
    title: 'The amount can no longer change',
    advice:
      'The amount of a link is fixed once it is open, and from the start when it has items. Cancel it and make a new one.',
  },
  ratesFrozen: {
    kind: 'conflict',
    title: 'The payment link has its four rates',
    advice: 'There is nothing to repair. Requote the link if it is to have new ones.',
  },
  linkPaid: {
    kind: 'conflict',
    title: 'The payment link has been paid',
    advice: 'Refund the payment instead of cancelling the link.',
  },
})
