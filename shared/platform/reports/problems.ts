import { defineProblems } from '../problem.ts'

/** What operators are told who ask for a report. */
export const problems = defineProblems('reports', {
  notFound: {
    kind: 'missing',
    title: 'There is no such report',
    advice: 'List the reports; old ones are pruned.',
  },
})
