import type { CategoryRow } from './category-tree.ts'

// The shop that published the categories sells electronics, the one that published the products sells gifts. The rule
// below puts a third of them where a customer would look and never needs a list by hand: see data/README.md.

/** The departments that sell what a gift shop sells; elsewhere `country`, `organ` and `bass` are music. */
const departments = [
  'gift-ideas',
  'connected-home-and-housewares',
  'toys-games-and-drones',
  'appliances',
]

/** Where everything goes that no name fits. */
const elsewhere = 'gift-ideas'

/** Words that say how something looks or comes, or mean something else in a gift shop. */
const ignored = new Set(
  (
    'a all and by for in more of on or other s the to with your ' +
    'ball base black case double fire item jack kit set table weight white'
  ).split(' '),
)

/** One of the things that a category's name lists: `Pens`, `Pencils` and `Markers` are three. */
type Offer = { readonly words: readonly string[]; readonly path: string; readonly depth: number }

/**
 * Gives the path of the category for a title. A category fits if the title has all words of one of the things that its
 * name lists, in singular. Of several, the one with the most words, then the one whose words stand furthest to the right
 * (`COFFEE MUG` is a mug), then the one nearest to the root, then the one that sorts first.
 */
export function createPlacer(categories: readonly CategoryRow[]): (title: string) => string {
  const offers = categories
    .filter(({ path }) => departments.includes(path.split('/', 1)[0] ?? ''))
    .flatMap(({ name, path, depth }) =>
      name.split(/[,&/|]|\band\b/i).map((thing): Offer => ({ words: wordsOf(thing), path, depth })),
    )
  const offersOf = Map.groupBy(
    offers.filter(({ words }) => words.length > 0),
    ({ words }) => words[0] ?? '',
  )
  return (title) => {
    const words = wordsOf(title)
    const [best] = [...new Set(words)]
      .flatMap((word) => offersOf.get(word) ?? [])
      .filter((offer) => offer.words.every((word) => words.includes(word)))
      .map((offer) => ({
        ...offer,
        rightmost: Math.max(...offer.words.map((word) => words.lastIndexOf(word))),
      }))
      .toSorted(
        (one, other) =>
          other.words.length - one.words.length ||
          other.rightmost - one.rightmost ||
          one.depth - other.depth ||
          (one.path < other.path ? -1 : 1),
      )
    return best?.path ?? elsewhere
  }
}

function wordsOf(text: string): readonly string[] {
  return plainWordsOf(text)
    .map(singular)
    .filter((word) => !ignored.has(word))
}

/** The words of a text that say what something is, in lower case, from left to right. */
export function plainWordsOf(text: string): readonly string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll("'", '')
      .match(/[a-z0-9]+/g) ?? []
  return words.filter((word) => !ignored.has(word))
}

/** One of what a word names many of, by its ending alone: `boxes` gives `box`. */
export function singular(word: string): string {
  if (word.length > 3 && word.endsWith('ies')) {
    return `${word.slice(0, -3)}y`
  }
  if (word.length > 4 && /(?:ch|sh|x|ss)es$/.test(word)) {
    return word.slice(0, -2)
  }
  return word.length > 3 && /[^s]s$/.test(word) ? word.slice(0, -1) : word
}
