import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback } from './public-address.ts'

/** Who may see what is for operators, decided without asking anybody: it must be answered while the database is away. */
export type OperatorAccess = {
  /** Of METRICS_TOKEN. Absent: nobody gets in with a token. */
  readonly token: string | undefined
  /** Whether callers on this machine need none (METRICS_ALLOW_LOCAL). */
  readonly isLocalAllowed: boolean
}

/** What proxies add. With one of them a request comes from elsewhere, although its connection comes from here. */
const forwarded = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/** Judges requests: a bearer token that is the one, or a caller on this machine who says so by the name of the host too,
 *  since a page in a browser reaches this machine under any name that resolves to it. */
export function createOperatorAccess({
  token,
  isLocalAllowed,
}: OperatorAccess): (request: IncomingMessage) => boolean {
  const expected = token === undefined ? undefined : digest(token)
  return (request) => (expected !== undefined && bears(request, expected)) || isLocal(request)

  function isLocal({ socket, headers }: IncomingMessage): boolean {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '')
    return (
      isLocalAllowed &&
      isLoopback(address) &&
      isLocalName(headers.host ?? '') &&
      forwarded.every((name) => headers[name] === undefined)
    )
  }
}

function bears({ headers }: IncomingMessage, expected: Buffer): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(headers.authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), expected)
}

/** All of one length, so that comparing says nothing about that of the token. */
const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')
  return name === 'localhost' || isLoopback(name)
}
