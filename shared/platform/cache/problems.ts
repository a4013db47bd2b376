import { defineProblems } from '../problem.ts'

/** What operators are told who ask for the impossible. */
export const problems = defineProblems('cache', {
  notKept: {
    kind: 'invalid',
    title: 'No kept answer can have this URL',
    advice: 'Give a URL of a read that the API keeps, and the organisation that reads it.',
  },
  questionTooLong: {
    kind: 'tooLarge',
    title: 'The question is too long for one notification',
    advice: 'Ask about fewer tags at a time.',
  },
  nobodyAnswered: {
    kind: 'unavailable',
    title: 'No process that keeps answers has answered',
    advice: 'Give the key instead of the URL, or ask again once an API process with a cache runs.',
  },
})
