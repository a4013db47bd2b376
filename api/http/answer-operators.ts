import { answerQuestions, type FindKey, type Routes } from '#platform/cache/remote-answers'
import type { Lifecycle } from '#platform/lifecycle'
import type { ApiSlice } from '../slice.ts'
import { keyOf } from './cached-read.ts'
import { readsByUrl } from './reads-by-url.ts'
import { tellFiguresOf } from './tell-figures.ts'
import type { Warming } from '../warming/warming.ts'

/** Lets operators ask this process about its cache, also by the URLs of reads, about its figures, and have it warmed. */
export function answerOperators(
  slice: ApiSlice,
  lifecycle: Pick<Lifecycle, 'background'>,
  {
    warming,
    ...options
  }: { readonly isCursorPaginationEnabled: boolean; readonly warming: Warming },
): void {
  const { clock, log, cache } = slice
  const findRead = readsByUrl(slice, options)
  const findKey: FindKey = (named) => {
    const read = findRead(named)
    return { key: keyOf(slice, read), route: read.route }
  }
  const routes: Routes = {
    findKey,
    warm: (set) => warming.run(set),
    tellFigures: tellFiguresOf(slice),
    circuits: slice.circuits,
  }
  answerQuestions(cache, routes, { clock, log, lifecycle })
}
