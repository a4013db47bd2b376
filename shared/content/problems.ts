import { defineProblems } from '#platform/problem'

/** What callers can be told about contents and interactions. */
export const problems = defineProblems('content', {
  slugTaken: {
    kind: 'conflict',
    title: 'Another content has this slug',
    advice: 'Slugs are unique within an organisation. Look the other content up with `?slug=`.',
  },
  authorUnknown: {
    kind: 'invalid',
    title: 'The author does not exist',
    advice: 'Use the id of a member of your organisation.',
  },
  productUnknown: {
    kind: 'invalid',
    title: 'The product does not exist',
    advice: 'Use the id of a product of your organisation.',
  },
  memberNeeded: {
    kind: 'invalid',
    title: 'The interaction names no member',
    advice: 'Say in `memberId` whose interaction it is; only a token of a member tells by itself.',
  },
  memberUnknown: {
    kind: 'invalid',
    title: 'The member does not exist',
    advice: 'Use the id of a member of your organisation.',
  },
  memberInactive: {
    kind: 'conflict',
    title: 'The member is not active',
    advice: 'Members that are suspended or removed do not interact with contents any more.',
  },
  memberForeign: {
    kind: 'forbidden',
    title: 'The interaction is that of another member',
    advice: 'With a token of a member leave `memberId` out, or send the id of that member.',
  },
  purchaseNotYours: {
    kind: 'forbidden',
    title: 'Members do not report purchases',
    advice: 'What was bought is told by the servers of the shop, with a secret key.',
  },
  instantFuture: {
    kind: 'invalid',
    title: 'The interaction has not happened yet',
    advice: 'Check the clock of the sender, or leave `occurredAt` out for now.',
  },
  instantPast: {
    kind: 'invalid',
    title: 'The interaction is too old',
    advice: 'Interactions are taken for a day; send what happened while offline sooner.',
  },
})
