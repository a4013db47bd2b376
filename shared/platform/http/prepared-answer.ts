import type { ServerResponse } from 'node:http'

/**
 * Answers whose head was put together before. Node checks and joins the fields of a head one by one for each answer, which
 * for the two dozen of ours costs a third of a request to a bare server (`npm run bench -- cached-read`, 2026-11-26); a head
 * that Node made once and that differs in a few values needs neither. It is Node's own text, sent by Node's own response: the
 * order of answers on a connection, keep-alive and time limits stay where they are.
 *
 * The text lies in a field that Node does not document. Where it is not as known here, nothing is ever prepared, and all
 * answers are made in the ordinary way; the tests of the edge fail then.
 */
type Internals = {
  /** The head as it is sent; null before it was made. */
  _header?: string | null
  /** Whether this answer must be the last one of its connection. */
  maxRequestsOnConnectionReached?: boolean
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type says that each may be missing
const internalsOf = (response: ServerResponse): Internals => response as unknown as Internals

/** The head of an answer that was sent and left its connection open; undefined of any other. */
export function sentHead(response: ServerResponse): string | undefined {
  const { _header: head } = internalsOf(response)
  return typeof head === 'string' && head.includes('\r\nConnection: keep-alive\r\n')
    ? head
    : undefined
}

/** Whether a head that was sent before is right for this answer too: it is not begun, and its connection stays open. */
export function mayPrepare(response: ServerResponse): boolean {
  const { _header: head, maxRequestsOnConnectionReached } = internalsOf(response)
  return head === null && response.shouldKeepAlive && maxRequestsOnConnectionReached !== true
}

/** Sends the whole answer.
 *  @param head ends with an empty line, and names the length of the body
 *  @param body absent of a 304 */
export function sendPrepared(
  response: ServerResponse,
  { status, head, body }: { status: number; head: string; body: Buffer | undefined },
): void {
  response.statusCode = status
  // oxlint-disable-next-line eslint/no-underscore-dangle -- Node's own name
  internalsOf(response)._header = head
  response.end(body)
}
