import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { z } from 'zod'
import { kind, separated, WrongForm } from './kinds.ts'

/** One key of the ring that signs cursors and tokens. */
export type SigningKey = { readonly id: string; readonly secret: Buffer }

/** 256 bits: what HMAC-SHA-256 can use. */
const secretBytesMin = 32
const networkNames: readonly string[] = ['loopback', 'linklocal', 'uniquelocal']

/** A number of proxies, or the networks they are in. `true` would believe whatever a caller writes. */
export function trustProxy(): z.ZodType<number | readonly string[], string> {
  const form = `a number of proxies from 0 to 9, or networks such as 10.0.0.0/8, separated by commas (${networkNames.join(', ')} are known)`
  return kind<number | readonly string[]>(form, (input) => {
    if (/^\d$/.test(input)) {
      return Number(input)
    }
    if (/^(true|yes|\*)$/i.test(input)) {
      return new WrongForm(`would believe any caller about its address; must be ${form}`)
    }
    const networks = separated(input)
    return networks.length > 0 && networks.every(isNetwork) ? networks : undefined
  })
}

/** Exact origins. `*` is refused, since callers authenticate. */
export function corsOrigins(): z.ZodType<readonly string[], string> {
  const form = 'origins such as https://shop.example.com, separated by commas, without path or *'
  return kind(form, (input) => {
    const origins = separated(input)
    return origins.every(isOrigin) && new Set(origins).size === origins.length ? origins : undefined
  })
}

/** `id:secret` pairs; secrets in base64url, at least 32 bytes. Messages count the key and never show it. */
export function cursorKeys(): z.ZodType<readonly SigningKey[], string> {
  const form = `id:secret pairs, separated by commas, each secret at least ${secretBytesMin} bytes in base64url`
  return kind<readonly SigningKey[]>(form, (input) => {
    const keys: SigningKey[] = []
    for (const [index, pair] of separated(input).entries()) {
      const [, id, encoded] = /^([A-Za-z0-9_-]{1,16}):([A-Za-z0-9_-]+)$/.exec(pair) ?? []
      if (id === undefined || encoded === undefined) {
        return new WrongForm(`must be ${form}; key ${index + 1} is not`)
      }
      const secret = Buffer.from(encoded, 'base64url')
      if (secret.length < secretBytesMin) {
        return new WrongForm(
          `must be ${form}; the secret of key ${index + 1} has ${secret.length} bytes`,
        )
      }
      if (keys.some((key) => key.id === id)) {
        return new WrongForm(`must not use an id twice; key ${index + 1} does`)
      }
      keys.push({ id, secret })
    }
    return keys.length > 0 ? keys : undefined
  })
}

function isOrigin(input: string): boolean {
  const parsed = URL.parse(input)
  return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.origin === input
}

function isNetwork(input: string): boolean {
  if (networkNames.includes(input)) {
    return true
  }
  const [address = '', prefix, ...rest] = input.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
  if (family === undefined || rest.length > 0) {
    return false
  }
  return (
    prefix === undefined || (/^\d{1,3}$/.test(prefix) && isPrefix(address, Number(prefix), family))
  )
}

function isPrefix(address: string, prefix: number, family: 'ipv4' | 'ipv6'): boolean {
  try {
    new BlockList().addSubnet(address, prefix, family)
    return prefix > 0
  } catch {
    return false
  }
}
