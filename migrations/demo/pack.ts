import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants, gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { columnSeparator, shareDescriptions, type PackedTable } from './packed.ts'

// Makes migrations/demo/data from the published files; run by hand when those change, see data/README.md:
//   node migrations/demo/pack.ts --orders online-retail.csv.gz --rates eurofxref-hist.csv.gz \
//     --categories categories.json.gz
// A table is stored column by column, since a column resembles itself more than it resembles its neighbours:
// a quarter of the compressed rows, and PostgreSQL takes a whole column as one parameter.

const published = z.array(
  z.object({
    id: z.string(),
    name: z.string().nullable(),
    path: z.array(z.object({ id: z.string() })),
  }),
)

type Columns = readonly (readonly [heading: string, values: readonly string[]])[]

const { values: files } = parseArgs({
  options: {
    orders: { type: 'string' },
    rates: { type: 'string' },
    categories: { type: 'string' },
  },
})
if (!files.orders || !files.rates || !files.categories) {
  throw new Error('say --orders FILE.csv.gz, --rates FILE.csv.gz and --categories FILE.json.gz')
}
await write('eurofxref-hist', await readTable(files.rates))
await write('online-retail', withDittos(await readTable(files.orders)))
await write('categories', await readTree(files.categories))

async function readTable(path: string): Promise<Columns> {
  const text = gunzipSync(await readFile(path)).toString('utf8')
  const [headings = [], ...rows] = text.trimEnd().split('\n').map(cells)
  return headings.map((heading, at) => [heading, rows.map((row) => row[at] ?? '')])
}

/** RFC 4180 without line breaks inside of quotes, which neither file has. */
function cells(line: string): readonly string[] {
  const found = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)
  return Array.from(found, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}

/** Of a published category `id`, `name` and `parent`: the last of its path, itself aside, that is published too. */
async function readTree(path: string): Promise<Columns> {
  const tree = published.parse(JSON.parse(gunzipSync(await readFile(path)).toString('utf8')))
  const ids = new Set(tree.map(({ id }) => id))
  return [
    ['id', tree.map(({ id }) => id)],
    ['name', tree.map(({ name }) => name ?? '')],
    [
      'parent',
      tree.map((category) => {
        const above = category.path.filter(({ id }) => id !== category.id && ids.has(id))
        return above.at(-1)?.id ?? ''
      }),
    ],
  ]
}

function withDittos(table: Columns): Columns {
  const codes = table.find(([heading]) => heading === 'StockCode')?.[1] ?? []
  return table.map(([heading, values]) =>
    heading === 'Description' ? [heading, shareDescriptions(codes, values)] : [heading, values],
  )
}

async function write(table: PackedTable, columns: Columns): Promise<void> {
  const text = Buffer.from(
    columns.map(([heading, values]) => [heading, ...values].join('\n')).join(columnSeparator),
  )
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  }
  await writeFile(
    new URL(`data/${table}.br`, import.meta.url),
    brotliCompressSync(text, { params }),
  )
}
