import { crc32 } from 'node:zlib'
import { z } from 'zod'
import type { CacheKey, Entry } from './entry.ts'
import { formatSnapshot, parseSnapshot } from './snapshot.ts'
import { unpooled } from './unpooled.ts'

// How an entry lies in Redis: one line of ASCII, `TGE1 <crc32> <xmax> <running> <stamp bytes> <header bytes> <body bytes>`,
// then the stamp as PostgreSQL writes it, the header as JSON, and the body as it goes out. What orders two entries stands
// in front, so that a Lua script compares them without parsing JSON and an operator reads it with GETRANGE. The checksum is
// over all that follows it. It finds damage, not forgery: who can write to the cache's Redis is trusted.

/** The version of the form, part of the key as well, so that two versions of the product leave each other's alone. */
export const entryFormat = 1

/** The most bytes of an encoded entry, header and all: what a Redis in the same network sends within its 100 ms. */
export const entryBytesMax = 4 * 1024 * 1024

/** How an encoded entry begins. */
export const entryMagic = `TGE${entryFormat}`

/** Longer than the first line can be. */
export const entryLineBytesMax = 80

const line = new RegExp(
  `^${entryMagic} ([0-9a-f]{8}) (\\d{1,16}) (\\d{1,8}) (\\d{1,8}) (\\d{1,8}) (\\d{1,8})\n`,
)
const checkedFrom = entryMagic.length + 10

const texts = z.array(z.string())
const Interval = z.strictObject({
  columns: z.array(
    z.strictObject({ name: z.string(), type: z.enum(['text', 'number', 'instant']) }),
  ),
  isDown: z.boolean(),
  first: texts.exactOptional(),
  last: texts.exactOptional(),
})
const Membership = z.strictObject({
  collection: z.string(),
  equal: z.array(z.tuple([z.string(), texts])),
  interval: Interval.exactOptional(),
})
const Header = z.strictObject({
  key: z.string(),
  route: z.string(),
  status: z.literal([200, 404]),
  /** Pairs, for in an object a name such as `__proto__` would be lost. */
  headers: z.array(z.tuple([z.string(), z.string()])),
  etag: z.string(),
  epoch: z.string(),
  dependencies: z.strictObject({ tags: texts, memberships: z.array(Membership) }),
  validUntilMs: z.number().exactOptional(),
  filledAtMs: z.number(),
  fillMs: z.number(),
  lifetime: z.strictObject({ freshSeconds: z.number(), staleSeconds: z.number() }),
})

/** The bytes of an entry as they are kept in Redis; nothing about them is secret, and nothing is compressed. */
export function encodeEntry(entry: Entry): Buffer {
  const { body, stamp, headers, ...plain } = entry
  const { xmax, xip } = stamp.snapshot
  const pairs = Object.entries(headers)
  const header = Buffer.from(JSON.stringify({ ...plain, headers: pairs, epoch: stamp.epoch }))
  const stampText = Buffer.from(formatSnapshot(stamp.snapshot))
  const lengths = [stampText, header, body].map((part) => part.length)
  const order = Buffer.from(`${[xmax, xip.length, ...lengths].join(' ')}\n`)
  const parts = [order, stampText, header, body]
  const sum = parts.reduce((before, part) => crc32(part, before), 0)
  return Buffer.concat([Buffer.from(`${entryMagic} ${hexadecimal(sum)} `), ...parts])
}

/** The entry in bytes that Redis gave, or undefined: damaged, cut off, of another version, too large, or made for another
 *  key. Never throws. The body is a copy of its own, so that no buffer of the connection is kept alive by it. */
export function decodeEntry(key: CacheKey, bytes: Buffer): Entry | undefined {
  const parts = split(bytes)
  if (!parts) {
    return undefined
  }
  try {
    const parsed = Header.parse(JSON.parse(parts.header))
    const snapshot = parseSnapshot(parts.stamp)
    const { key: madeFor, headers, epoch, ...plain } = parsed
    const isWhole = snapshot.xmax === parts.xmax && snapshot.xip.length === parts.running
    if (madeFor !== key || !isWhole) {
      return undefined
    }
    return {
      ...plain,
      key,
      headers: Object.fromEntries(headers),
      stamp: { epoch, snapshot },
      body: unpooled(parts.body),
    }
  } catch {
    return undefined // an intact sum over what no version of this code writes
  }
}

type Parts = {
  readonly xmax: number
  readonly running: number
  readonly stamp: string
  readonly header: string
  readonly body: Buffer
}

/** The parts of a value whose lengths and checksum are right. */
function split(bytes: Buffer): Parts | undefined {
  const found = line.exec(bytes.toString('latin1', 0, entryLineBytesMax))
  if (!found || bytes.length > entryBytesMax) {
    return undefined
  }
  const [whole, sum, ...numbers] = found
  const [xmax = 0, running = 0, stampBytes = 0, headerBytes = 0, bodyBytes = 0] =
    numbers.map(Number)
  const headerFrom = whole.length + stampBytes
  const bodyFrom = headerFrom + headerBytes
  const isComplete = bodyFrom + bodyBytes === bytes.length
  if (!isComplete || hexadecimal(crc32(bytes.subarray(checkedFrom))) !== sum) {
    return undefined
  }
  const stamp = bytes.toString('latin1', whole.length, headerFrom)
  const header = bytes.toString('utf8', headerFrom, bodyFrom)
  return { xmax, running, stamp, header, body: bytes.subarray(bodyFrom) }
}

function hexadecimal(sum: number): string {
  return sum.toString(16).padStart(8, '0')
}
