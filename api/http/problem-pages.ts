import type { RequestHandler } from 'express'
import { problems as contentProblems } from '#content'
import { problems as fxProblems } from '#fx'
import { problems as memberProblems } from '#members'
import { problems as paymentProblems } from '#payments'
import { kinds, Problem, type ProblemType } from '#platform/problem'
import { problems as readProblems } from '#platform/resource/problems'
import { problems as httpProblems } from './problems.ts'

/** Every problem type that a caller of the API can meet. */
export const problemTypes: readonly ProblemType[] = [
  httpProblems,
  readProblems,
  memberProblems,
  fxProblems,
  paymentProblems,
  contentProblems,
].flatMap((types) => Object.values(types))

/** `GET /problems/<domain>/<slug>`: the page that a problem's `type` points to. */
export const problemPage: RequestHandler = (request, response) => {
  const slug = [request.params['domain'], request.params['name']].join('/')
  const type = problemTypes.find((one) => one.slug === slug)
  if (!type) {
    throw new Problem(httpProblems.routeUnknown, 'There is no problem type of this name.')
  }
  const lines = [
    type.title,
    '='.repeat(type.title.length),
    '',
    `Status: ${kinds[type.kind].http}`,
    `Type: ${type.slug}`,
    `Worth trying again unchanged: ${kinds[type.kind].job === 'retry' ? 'yes' : 'no'}`,
    '',
    type.advice,
    '',
  ]
  response.set('Cache-Control', 'public, max-age=3600').type('text/plain; charset=utf-8')
  response.send(lines.join('\n'))
}
