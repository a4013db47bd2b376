import {
  ask,
  pause,
  popular,
  type Answer,
  type Fraction,
  type Session,
  type Step,
} from './session.ts'

/** What there is to be read; the first of each is the most popular. */
export type Catalogue = {
  readonly linkIds: readonly string[]
  readonly productIds: readonly string[]
  readonly categoryIds: readonly string[]
  readonly words: readonly string[]
}

const pagesListed = 4
/** What one user remembers, so that a long run does not grow. */
const etagsMax = 200
const conditionalShare = 0.5
const nextPageShare = 0.5
const pagesMax = 4

/** Lists what the users will read: real ids, by the API's own cursors. */
export function* discover(): Generator<Step, Catalogue, Answer> {
  const links = yield* walk('/api/v2/payment-links?limit=100&fields=id')
  const products = yield* walk('/api/v2/products?limit=100&fields=id,categoryId,title')
  const words = products.flatMap(({ title = '' }) => title.toLowerCase().match(/[a-z]{4,}/g) ?? [])
  return {
    linkIds: links.map(({ id }) => id),
    productIds: products.map(({ id }) => id),
    categoryIds: [...new Set(products.flatMap(({ categoryId }) => categoryId ?? []))],
    words: [...new Set(words)].slice(0, 200),
  }
}

type Item = { readonly id: string; readonly categoryId?: string | null; readonly title?: string }

function* walk(path: string): Generator<Step, readonly Item[], Answer> {
  const items: Item[] = []
  let cursor: string | undefined
  for (let page = 0; page < pagesListed; page += 1) {
    const answer = yield* ask(cursor === undefined ? path : `${path}&cursor=${cursor}`)
    if (answer.status !== 200) {
      throw new Error(
        `GET ${path} was answered with ${answer.status}: ${answer.body.slice(0, 200)}`,
      )
    }
    items.push(...JSON.parse(answer.body).data)
    cursor = cursorOf(answer.body)
    if (cursor === undefined) {
      break
    }
  }
  return items
}

/** Without parsing a page of which nothing else is needed. */
function cursorOf(body: string): string | undefined {
  return /"nextCursor":"([^"]+)"/.exec(body)?.[1]
}

/** One visitor: what it looks at next, by these shares of visits. Half of the lists are read on, half of what it has seen
 *  before is asked for with the ETag that it holds. */
export function* browse(catalogue: Catalogue, fraction: Fraction): Session {
  const { linkIds, productIds, categoryIds, words } = catalogue
  const etags = new Map<string, string>()
  for (;;) {
    const dice = fraction()
    if (dice < 0.25) {
      yield* list(popular(fraction, linkLists) ?? '')
    } else if (dice < 0.4) {
      const category = popular(fraction, ['', ...categoryIds])
      yield* list(`/api/v2/products?limit=20${category ? `&categoryId=${category}` : ''}`)
    } else if (dice < 0.6 && linkIds.length > 0) {
      yield* visit(`/api/v2/payment-links/${popular(fraction, linkIds)}`)
    } else if (dice < 0.8 && productIds.length > 0) {
      yield* visit(`/api/v2/products/${popular(fraction, productIds)}`)
    } else if (dice < 0.9 && words.length > 0) {
      yield* visit(`/api/v2/products/search?limit=20&q=${popular(fraction, words)}`)
    } else {
      yield* visit(`/api/v2/fx/rates?base=${popular(fraction, bases)}&quotes=EUR,USD,AUD,JPY`)
    }
  }

  function* list(path: string): Generator<Step, void, Answer> {
    let cursor: string | undefined
    for (let page = 0; page < pagesMax; page += 1) {
      const body = yield* visit(cursor === undefined ? path : `${path}&cursor=${cursor}`)
      cursor = cursorOf(body)
      if (cursor === undefined || fraction() >= nextPageShare) {
        return
      }
    }
  }

  /** A 304 has no body, so a list is not read on after one. */
  function* visit(path: string): Generator<Step, string, Answer> {
    const held = fraction() < conditionalShare ? etags.get(path) : undefined
    const answer = yield* ask(path, held === undefined ? {} : { 'if-none-match': held })
    const etag = answer.header('etag')
    if (etag !== undefined && (etags.has(path) || etags.size < etagsMax)) {
      etags.set(path, etag)
    }
    yield* pause(fraction, [50, 250])
    return answer.body
  }
}

const linkLists = [
  '/api/v2/payment-links?limit=20',
  '/api/v2/payment-links?limit=20&status=open',
  '/api/v2/payment-links?limit=20&status=paid',
  '/api/v2/payment-links?limit=50&fields=id,status,amount',
  '/api/v2/payment-links?limit=20&status=cancelled',
  '/api/v2/payment-links?limit=20&expand=items',
]

const bases = ['GBP', 'EUR', 'USD', 'JPY', 'CHF']
