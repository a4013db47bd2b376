import { defineProblems } from '#platform/problem'

/** What can go wrong with exchange rates in front of a caller. */
export const problems = defineProblems('fx', {
  rateUnavailable: {
    kind: 'unavailable',
    title: 'No current exchange rate',
    advice:
      'Try again in a minute. Where an older rate will do, ask for it explicitly; it is then marked as stale.',
  },
  snapshotInconsistent: {
    kind: 'broken',
    title: 'A frozen rate is not what it says',
    advice:
      'Somebody has changed the table beside the product, or a publication after it was used. Compare the parts that are named with their source.',
  },
  amountOutOfRange: {
    kind: 'unprocessable',
    title: 'Amount cannot be converted',
    advice: 'Choose a smaller amount, or settlement assets whose minor unit is not as small.',
  },
})

/** What can go wrong with the jobs; no caller of the API sees these. */
export const jobProblems = defineProblems('fx', {
  noProviderAnswered: {
    kind: 'unavailable',
    title: 'No provider gave exchange rates',
    advice: 'Stored rates serve until they are too old. The next run asks again.',
  },
  historyMissing: {
    kind: 'unavailable',
    title: 'The history of exchange rates could not be fetched',
    advice: 'What is stored stays. It is tried again; then an operator may start it.',
  },
})
