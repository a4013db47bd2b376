import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Requests as they came to a real system, and the capacities, in entries, at which caches are compared on them. */
export type Trace = {
  readonly name: string
  /** Each key once. */
  readonly keys: readonly string[]
  /** Indexes into `keys`. */
  readonly requests: Uint32Array
  readonly capacities: readonly number[]
}

/** The folder of those that are small enough to be here. */
export const tracesHere = 'test/data/traces'

const known: readonly (Pick<Trace, 'name' | 'capacities'> & {
  readonly path: string
  readonly parse: (content: Buffer) => readonly string[]
})[] = [
  {
    name: 'web12',
    path: 'cache2k/web12.bin.gz',
    parse: parseIntegers,
    capacities: [75, 300, 1200, 3000],
  },
  {
    name: 'web-semicomplete',
    path: 'web-semicomplete/access.log.gz',
    parse: parsePaths,
    capacities: [50, 100, 250, 500],
  },
  {
    name: 'orm-busy',
    path: 'cache2k/orm-busy.bin.gz',
    parse: parseIntegers,
    capacities: [625, 1250, 2500, 5000, 10_000],
  },
]

/** Reads every known trace that is in one of the folders, and names the others. */
export function readTraces(folders: readonly string[]): {
  readonly traces: readonly Trace[]
  readonly missing: readonly string[]
} {
  const found = known.map(({ path, parse, ...trace }) => {
    const file = folders.map((folder) => join(folder, path)).find((one) => existsSync(one))
    return file === undefined
      ? trace.name
      : { ...trace, ...index(parse(gunzipSync(readFileSync(file)))) }
  })
  return {
    traces: found.filter((one) => typeof one !== 'string'),
    missing: found.filter((one) => typeof one === 'string'),
  }
}

function parseIntegers(content: Buffer): readonly string[] {
  return Array.from({ length: content.length / 4 }, (_, at) => `key ${content.readInt32BE(at * 4)}`)
}

function parsePaths(content: Buffer): readonly string[] {
  return [...content.toString('latin1').matchAll(/"GET (\S+)/g)].map(([, path = '']) => path)
}

function index(asked: readonly string[]): Pick<Trace, 'keys' | 'requests'> {
  const indexes = new Map<string, number>()
  const requests = Uint32Array.from(asked, (key) => {
    const place = indexes.get(key) ?? indexes.size
    indexes.set(key, place)
    return place
  })
  return { keys: [...indexes.keys()], requests }
}
