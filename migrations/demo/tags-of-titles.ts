import { plainWordsOf, singular } from './place-product.ts'

/** Products whose titles must have a word before it is a tag, and the share of all titles above which it tells nothing. */
const productsMin = 5
const productsShareMax = 0.1

/** At most so many for one product, from the left. */
const tagsMax = 8

/**
 * The tags of each title. A tag is a word of at least three letters, in lower case and singular, that at least five of the
 * titles have and at most a tenth of them. Numbers, sizes and what says only how something looks or comes are none; the
 * words that are left out are those of `createPlacer`.
 */
export function tagsOfTitles(titles: readonly string[]): readonly (readonly string[])[] {
  const words = titles.map((title) => [
    ...new Set(plainWordsOf(title).map(nameOf).filter(isTelling)),
  ])
  const counts = new Map<string, number>()
  for (const word of words.flat()) {
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const isTag = (word: string): boolean => {
    const count = counts.get(word) ?? 0
    return count >= productsMin && count <= titles.length * productsShareMax
  }
  return words.map((own) => own.filter(isTag).slice(0, tagsMax))
}

const isTelling = (word: string): boolean => /^[a-z]{3,}$/.test(word)

// Christmas and canvas are one thing already.
const nameOf = (word: string): string => (/[aiu]s$/.test(word) ? word : singular(word))
