/**
 * One error kind, three renderings: an HTTP status, a tRPC code and what a job does next.
 * Domains name their problems; only the edges of the product turn a kind into a status.
 */
export const kinds = {
  invalid: { http: 400, trpc: 'BAD_REQUEST', job: 'give-up' },
  unauthenticated: { http: 401, trpc: 'UNAUTHORIZED', job: 'give-up' },
  forbidden: { http: 403, trpc: 'FORBIDDEN', job: 'give-up' },
  missing: { http: 404, trpc: 'NOT_FOUND', job: 'give-up' },
  methodNotAllowed: { http: 405, trpc: 'METHOD_NOT_SUPPORTED', job: 'give-up' },
  tooSlow: { http: 408, trpc: 'TIMEOUT', job: 'retry' },
  conflict: { http: 409, trpc: 'CONFLICT', job: 'give-up' },
  preconditionFailed: { http: 412, trpc: 'PRECONDITION_FAILED', job: 'give-up' },
  tooLarge: { http: 413, trpc: 'PAYLOAD_TOO_LARGE', job: 'give-up' },
  unsupportedMedia: { http: 415, trpc: 'UNSUPPORTED_MEDIA_TYPE', job: 'give-up' },
  unprocessable: { http: 422, trpc: 'UNPROCESSABLE_CONTENT', job: 'give-up' },
  preconditionRequired: { http: 428, trpc: 'PRECONDITION_REQUIRED', job: 'give-up' },
  headersTooLarge: { http: 431, trpc: 'BAD_REQUEST', job: 'give-up' },
  limited: { http: 429, trpc: 'TOO_MANY_REQUESTS', job: 'retry' },
  broken: { http: 500, trpc: 'INTERNAL_SERVER_ERROR', job: 'retry' },
  unavailable: { http: 503, trpc: 'SERVICE_UNAVAILABLE', job: 'retry' },
  overdue: { http: 504, trpc: 'GATEWAY_TIMEOUT', job: 'retry' },
} as const

export type Kind = keyof typeof kinds

/** A kind of failure that callers can tell apart: `slug` is stable, `title` is the same for every occurrence. */
export type ProblemType = {
  readonly slug: string
  readonly kind: Kind
  readonly title: string
  /** What the caller can do about it; shown on the problem's own page. */
  readonly advice: string
  /** Where somebody else has defined the type; otherwise its page at this API. */
  readonly uri?: string
}

/** The address of a problem type.  @param baseUrl of the API, without a slash at the end */
export const uriOf = (baseUrl: string, { uri, slug }: ProblemType): string =>
  uri ?? `${baseUrl}/problems/${slug}`

/** One fault of a request. `pointer` is a JSON pointer into the body (`#/amount`) or names the parameter (`#/query/limit`). */
export type Fault = { readonly detail: string; readonly pointer: string }

type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** An expected failure that a caller may see. Rendered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly type: ProblemType
  readonly detail: string
  /** Every fault of the request, not only the first. */
  readonly faults: readonly Fault[]
  /** Extension members, RFC 9457 section 3.2. Safe to publish. */
  readonly facts: Facts

  constructor(
    type: ProblemType,
    detail: string,
    more: { faults?: readonly Fault[]; facts?: Facts; cause?: unknown } = {},
  ) {
    super(`${type.title}: ${detail}`, { cause: more.cause })
    this.type = type
    this.detail = detail
    this.faults = more.faults ?? []
    this.facts = more.facts ?? {}
  }
}

type Declared = Omit<ProblemType, 'slug'>

/** Declares a domain's problem types; the key becomes the slug's tail: `payments/link-expired`. */
export function defineProblems<const T extends Record<string, Declared>>(
  domain: string,
  types: T,
): { readonly [K in keyof T]: ProblemType } {
  const entries = Object.entries(types).map(([key, type]) => {
    const tail = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return [key, { ...type, slug: `${domain}/${tail}` }] as const
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the keys it was given
  return Object.fromEntries(entries) as { readonly [K in keyof T]: ProblemType }
}
