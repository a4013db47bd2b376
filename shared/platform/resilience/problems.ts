import { defineProblems } from '../problem.ts'

/** What a caller is told when something that the product depends on is not there. */
export const resilienceProblems = defineProblems('platform', {
  dependencyUnavailable: {
    kind: 'unavailable',
    title: 'A service this depends on does not answer',
    advice: 'Wait as long as retryAfterSeconds says and send the same request again.',
  },
  circuitUnknown: {
    kind: 'missing',
    title: 'No circuit has this name',
    advice: 'Use a name as health.breakers gives it.',
  },
})
