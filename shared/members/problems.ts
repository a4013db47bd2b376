import { defineProblems } from '#platform/problem'

/** What callers can be told about organisations, members and their credentials. */
export const problems = defineProblems('members', {
  credentialMalformed: {
    kind: 'unauthenticated',
    title: 'Credential is not well-formed',
    advice:
      'Copy the whole credential again; it ends in a checksum, so a missing or wrong character shows.',
  },
  organisationInvalid: {
    kind: 'unprocessable',
    title: 'Organisation is not valid',
    advice: 'Correct every fault that is listed and send the organisation again.',
  },
  organisationSlugTaken: {
    kind: 'conflict',
    title: 'Organisation slug is taken',
    advice: 'Choose another slug; it names the organisation in URLs and must be unique.',
  },
  memberMissing: {
    kind: 'missing',
    title: 'Member does not exist',
    advice: 'Check the id of the member and that the credential belongs to the same organisation.',
  },
  scopeNotOfKind: {
    kind: 'invalid',
    title: 'A key of this kind cannot have the scope',
    advice: 'Leave the scope out, or make a secret key, which may have all of them.',
  },
  scopeNotHeld: {
    kind: 'forbidden',
    title: 'A key gives no more than it has',
    advice: 'Leave out the scopes that the calling key lacks, or call with a key that has them.',
  },
  expiryPast: {
    kind: 'invalid',
    title: 'The key would already have expired',
    advice: 'Choose an instant in the future, or leave it out for a key that does not expire.',
  },
  adminTokenMissing: {
    kind: 'missing',
    title: 'Admin token does not exist',
    advice: 'List the admin tokens of the installation and check the id.',
  },
})

/** What operators alone can be told. */
export const operatorProblems = defineProblems('members', {
  adminKeyInvalid: {
    kind: 'invalid',
    title: 'The idempotency key of the call is not valid',
    advice: 'Use 1 to 255 printable ASCII characters, in double quotes or without.',
  },
  adminLimited: {
    kind: 'limited',
    title: 'The token has called too many procedures',
    advice: 'Wait as long as retryAfterSeconds says. Each call of a batch counts.',
  },
  adminKeyBusy: {
    kind: 'conflict',
    title: 'A call with this idempotency key is being made',
    advice: 'Wait a moment and call again; the call is answered from the first one.',
  },
  adminKeyReused: {
    kind: 'unprocessable',
    title: 'The idempotency key belongs to another call',
    advice: 'A key is good for one call only. Use a new key for a new call.',
  },
  organisationMissing: {
    kind: 'missing',
    title: 'Organisation does not exist',
    advice: 'Check the id of the organisation.',
  },
})
