import { z } from 'zod'

/** Longest search; longer ones are no longer words that somebody looks for. */
const searchCharactersMax = 200

/** What somebody looks for: words, quotes and minus signs as web searches have them. */
export const searchText = z
  .string()
  .trim()
  .min(1)
  .max(searchCharactersMax)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')

/** The least text that stands after every text with this beginning, in the order of code points, which is that of the
 *  C collation; undefined when nothing stands after them. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10_ff_ff) {
    points.pop()
  }
  const last = points.pop()
  // What follows the last code point before the surrogates is the first one after them.
  return last === undefined
    ? undefined
    : String.fromCodePoint(...points, last === 0xd7_ff ? 0xe0_00 : last + 1)
}
