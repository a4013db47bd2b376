import type { oas31 } from 'zod-openapi'

const text = (description: string, isRequired = false): oas31.HeaderObject => ({
  description,
  ...(isRequired && { required: true }),
  schema: { type: 'string' },
})

/** Every header of an answer that says something about it. Those that are required are always there. */
export const headers = {
  'Request-Id': text('Names this answer in our logs; tell it when you report a fault.', true),
  'Cache-Control': text('How long the answer may be kept, and by whom (RFC 9111).', true),
  ETag: text('Weak validator of the body; send it back in `If-None-Match`.', true),
  'Cache-Status': text(
    'How the answer came about (RFC 9211): found in memory or Redis, with its remaining life, negative when it is served past it; or fetched.',
  ),
  'Cache-Groups': text('What the answer was made from, as groups that change together (RFC 9875).'),
  'Server-Timing': text(
    'Where the time went, in milliseconds (W3C Server-Timing): the whole; of a read how the cache answered, and the fetch from the database; and the trace as a `traceparent`, which ends in `01` where it is recorded.',
  ),
  Age: text('Seconds since the answer was fetched from the database; absent when it was just now.'),
  'Content-Encoding': text('The coding of the body, where `Accept-Encoding` allowed one.'),
  'Consistency-Token': text(
    'Sent back with a read as `Consistency-Token`, the answer is at least as new as this write, whichever process gives it.',
  ),
  'Set-Cookie': text('The same token as a cookie, for browsers on this origin.'),
  Link: text(
    'Web links (RFC 8288): `next`, `prev` and `first` of a page, `successor-version` of version 1, `service-desc` for this document.',
  ),
  Location: text('The address of what was made.', true),
  'Idempotent-Replayed': text('`true` when the answer repeats that to an earlier request.'),
  'RateLimit-Policy': text(
    'The quotas that this request counted against: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers-11); absent where nothing is limited.',
  ),
  RateLimit: text('What is left of them: `r` requests now, and more in `t` seconds.'),
  'Retry-After': text('Seconds after which trying again is worth while.', true),
  'WWW-Authenticate': text('The scheme of the credential that is missing (RFC 6750).', true),
  Allow: text('The methods of this address.', true),
  Deprecation: text('When this version stopped being the one to build on (RFC 9745).'),
  Sunset: text('When this version ends (RFC 8594).'),
} as const satisfies Readonly<Record<string, oas31.HeaderObject>>

export type HeaderName = keyof typeof headers

/** Of everything that is limited. */
export const limitHeaders = [
  'RateLimit-Policy',
  'RateLimit',
] as const satisfies readonly HeaderName[]

export function headersOf(names: readonly HeaderName[]): oas31.HeadersObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
