import { defineProblems } from '../problem.ts'

export const problems = defineProblems('read', {
  invalidQuery: {
    kind: 'invalid',
    title: 'The query parameters are not valid',
    advice: 'Every fault is listed in `errors`, with the parameter that it is about.',
  },
  invalidCursor: {
    kind: 'invalid',
    title: 'The cursor is not valid here',
    advice:
      'Use `nextCursor` or `prevCursor` exactly as a page of this list gave it, with the same filters and sort. Start again without a cursor otherwise.',
  },
  notFound: {
    kind: 'missing',
    title: 'Not found',
    advice:
      'Check the id. What belongs to another organisation is answered like what does not exist.',
  },
})
