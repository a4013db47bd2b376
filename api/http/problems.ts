import { defineProblems } from '#platform/problem'

export const problems = defineProblems('http', {
  credentialMissing: {
    kind: 'unauthenticated',
    title: 'A credential is required',
    advice:
      'Send `Authorization: Bearer <key>` with a secret key, a publishable key or a member token.',
  },
  credentialInvalid: {
    kind: 'unauthenticated',
    title: 'The credential is not valid',
    advice:
      'The key is mistyped, expired or revoked. Make a new one if you cannot find the right one.',
  },
  scopeMissing: {
    kind: 'forbidden',
    title: 'The credential may not do this',
    advice: 'Use a key that has the scope named in `scope`.',
  },
  switchedOff: {
    kind: 'forbidden',
    title: 'This is switched off for the organisation',
    advice: 'Use the lists of version 1 meanwhile, or ask the operator of the API.',
  },
  consistencyTokenInvalid: {
    kind: 'invalid',
    title: 'The consistency token is not valid',
    advice:
      'Send the `Consistency-Token` of an earlier answer exactly as it was given, or leave it away.',
  },
  quotaExceeded: {
    kind: 'limited',
    uri: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    advice:
      'Wait as long as `Retry-After` says. `violated-policies` names the quotas; `GET /api/v2/rate-limits` shows them all.',
  },
  routeUnknown: {
    kind: 'missing',
    title: 'There is nothing at this address',
    advice: 'Check the path; the API lives below /api/v2, its older version below /api.',
  },
  methodNotAllowed: {
    kind: 'methodNotAllowed',
    title: 'The method is not allowed here',
    advice: 'The `Allow` header lists the methods of this address.',
  },
  requestMalformed: {
    kind: 'invalid',
    title: 'The request cannot be read',
    advice: 'Check the percent-encoding of the path and the syntax of the body.',
  },
  requestTimeout: {
    kind: 'tooSlow',
    title: 'The request came too slowly',
    advice: 'Send the headers within 10 seconds and the whole request within 30.',
  },
  headersTooLarge: {
    kind: 'headersTooLarge',
    title: 'The request line and the headers are too long',
    advice: 'Address, query and headers may have 16 KiB together, and 100 headers may be sent.',
  },
  bodyMalformed: {
    kind: 'invalid',
    title: 'The body is not valid JSON',
    advice:
      'Send one JSON document, at most 32 levels deep, with at most 1,000 names, none twice in one object, of well-formed text without NUL characters.',
  },
  bodyInvalid: {
    kind: 'invalid',
    title: 'The body does not describe a valid request',
    advice: 'Every fault is listed in `errors`, each with a JSON pointer to its place.',
  },
  bodyTooLarge: {
    kind: 'tooLarge',
    title: 'The body is too large',
    advice: 'Send fewer bytes; the limit stands in `bytesMax`.',
  },
  mediaTypeUnsupported: {
    kind: 'unsupportedMedia',
    title: 'The media type is not supported',
    advice: 'Send `Content-Type: application/json` without a Content-Encoding.',
  },
  idempotencyKeyMissing: {
    kind: 'invalid',
    title: 'An Idempotency-Key is required',
    advice:
      'Send a fresh random key with every new request, and the same key when you try it again.',
  },
  idempotencyKeyInvalid: {
    kind: 'invalid',
    title: 'The Idempotency-Key is not valid',
    advice: 'Use 1 to 255 printable ASCII characters, in double quotes or without.',
  },
  idempotencyKeyBusy: {
    kind: 'conflict',
    title: 'A request with this Idempotency-Key is being processed',
    advice: 'Wait a moment and send the same request again; it is answered from the first one.',
  },
  idempotencyKeyReused: {
    kind: 'unprocessable',
    title: 'This Idempotency-Key belongs to another request',
    advice: 'A key is good for one request only. Use a new key for a new request.',
  },
  preconditionMissing: {
    kind: 'preconditionRequired',
    title: 'An If-Match header is required',
    advice: 'Send `If-Match: "<version>"` with the version that you have read.',
  },
  preconditionFailed: {
    kind: 'preconditionFailed',
    title: 'The resource has changed since you read it',
    advice: 'Read it again, decide again, and send the new version in If-Match.',
  },
  internal: {
    kind: 'broken',
    title: 'Something went wrong on our side',
    advice: 'Try again later; if it stays, report the request id.',
  },
  overdue: {
    kind: 'overdue',
    title: 'The request took too long',
    advice:
      'A read can be sent again. A write may have taken effect: send it again with the same Idempotency-Key, or read the version before you change it again.',
  },
  unavailable: {
    kind: 'unavailable',
    title: 'The service is not available at the moment',
    advice: 'Try again after the time in Retry-After.',
  },
})
