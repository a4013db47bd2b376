/** Why a call to another party gave nothing usable. */
export type HttpFailureReason =
  /** Not an address that this client may talk to; nothing was sent. */
  | 'address'
  /** No connection, or one that broke. */
  | 'connection'
  | 'timeout'
  /** An answer, but not 200; `status` says which. */
  | 'status'
  /** 429, or an earlier 429 whose Retry-After has not passed: then nothing was sent. */
  | 'limited'
  | 'redirect'
  | 'too-large'
  | 'encoding'
  | 'media-type'

/** A failed call. The text names host and reason and never the path or query, where keys may stand. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly reason: HttpFailureReason
  readonly status: number | undefined
  /** The first 16 KiB of what the other side said about its refusal. Never log it. */
  readonly body: string | undefined
  /** How long the other side asked to be left alone. */
  readonly retryAfterMs: number | undefined
  /** Requests sent for this call, retries included; quotas count them. */
  httpCalls = 0

  constructor(
    reason: HttpFailureReason,
    message: string,
    more: {
      status?: number
      body?: string
      retryAfterMs?: number | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: more.cause })
    this.reason = reason
    this.status = more.status
    this.body = more.body
    this.retryAfterMs = more.retryAfterMs
  }
}
