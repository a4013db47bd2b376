import type { z } from 'zod'
import { Problem, type Fault } from '#platform/problem'
import { nearest } from '#platform/resource/nearest'
import { problems } from '#platform/resource/problems'
import { refuseManyParameters } from '#platform/resource/refuse-many-parameters'

/** Faults that one answer lists. */
const faultsMax = 20

/** The query string of a read that is no declared resource.  @throws {Problem} read/invalid-query with every fault */
export function parseQuery<S extends z.ZodObject>(search: string, schema: S): z.output<S> {
  refuseManyParameters(search)
  const parameters = new URLSearchParams(search)
  const known = Object.keys(schema.shape)
  const faults: Fault[] = []
  const fail = (name: string, detail: string): void =>
    void faults.push({ detail, pointer: `#/query/${name.slice(0, 60)}` })
  for (const name of new Set(parameters.keys())) {
    if (!known.includes(name)) {
      const meant = nearest(name, known)
      fail(name, `unknown parameter${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
    } else if (parameters.getAll(name).length > 1) {
      fail(name, 'given more than once')
    }
  }
  const result = schema.safeParse(Object.fromEntries(parameters))
  for (const { path, message } of result.error?.issues ?? []) {
    fail(String(path[0] ?? ''), message)
  }
  if (!result.success || faults.length > 0) {
    const told = faults.map(({ pointer, detail }) => `${pointer.slice(8)}: ${detail}`)
    throw new Problem(problems.invalidQuery, `${told.slice(0, 5).join('; ')}.`, {
      faults: faults.slice(0, faultsMax),
    })
  }
  return result.data
}
