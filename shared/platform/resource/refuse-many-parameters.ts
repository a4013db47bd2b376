import { Problem } from '../problem.ts'
import { problems } from './problems.ts'

/** No read has half as many; each costs a look-up and perhaps a suggestion. */
const parametersMax = 100

/** Bounds the work that a query string can cause, before anything of it is decoded.
 *  @throws {Problem} read/invalid-query */
export function refuseManyParameters(search: string): void {
  if (search.split('&', parametersMax + 1).length > parametersMax) {
    const detail = `more than ${parametersMax} parameters`
    throw new Problem(problems.invalidQuery, `There are ${detail}.`, {
      faults: [{ detail, pointer: '#/query' }],
    })
  }
}
