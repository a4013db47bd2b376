import type { Publication } from './provider.ts'
import type { Judged } from './store-publication.ts'
import { judgePublication, type Reference } from './validate-publication.ts'

/** Judges publications in the order of their time, each against the last good rates before it; one at a time, so that whoever
 *  judges many can let others have their turn.
 *  @throws {PublicationRefused} if one of them may not be used at all */
export function* judgeInTurn(
  publications: readonly Publication[],
  known: ReadonlyMap<string, Reference>,
): Generator<Judged> {
  const references = new Map(known)
  for (const publication of publications) {
    const judgement = judgePublication(publication, references)
    for (const [asset, rate] of judgement.accepted) {
      const previous = references.get(asset)
      if (previous !== undefined) {
        references.set(asset, { ...previous, rate, asOf: publication.asOf })
      }
    }
    yield { publication, judgement }
  }
}

/** What an operator should know of publications that were stored. */
export function summarise(judged: readonly Judged[]): string | undefined {
  const missing = judged.at(-1)?.judgement.missing ?? []
  const set = judged.flatMap(({ judgement }) => judgement.quarantined)
  const notes = [
    ...(missing.length > 0 ? [`missing, previous rates kept: ${missing.join(' ')}`] : []),
    ...set.slice(0, 10).map(({ asset, reason }) => `set aside: ${asset} ${reason}`),
  ]
  return notes.length > 0 ? notes.join('; ') : undefined
}
