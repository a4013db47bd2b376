import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { expect } from 'chai'
import {
  readColumns,
  spellOutDescriptions,
  type PackedTable,
} from '../../migrations/demo/packed.ts'

/** SHA-256 of the uncompressed files that were published, see migrations/demo/data/README.md. */
const published: readonly (readonly [PackedTable, string])[] = [
  ['online-retail', 'c35975c40d0e1e105090fbb11188a409393055f873841bd012915475fc84e69f'],
  ['eurofxref-hist', '729e74c341288f4b07251fddcd8e5b604964e7b2d775920e442ba4dcf2e4ce4c'],
  // of the three columns that are kept, see the same
  ['categories', 'e08d8d2b779bfa88bdd04651d14c97628ca11f335a22e51eb1f07025cbbfa55f'],
]

describe('demo: the packed files', () => {
  for (const [table, sha256] of published) {
    it(`gives ${table} back byte for byte`, async () => {
      const columns = await readTable(table)
      const hash = createHash('sha256')
      const [first = []] = columns.values()
      hash.update(`${[...columns.keys()].join(',')}\n`)
      for (let line = 0; line < first.length; line += 1) {
        hash.update(
          `${[...columns.values()].map((column) => cell(column[line] ?? '')).join(',')}\n`,
        )
      }
      expect(hash.digest('hex')).to.equal(sha256)
    })
  }

  it('take less than 2.5 MB', () => {
    const folder = new URL('../../migrations/demo/data/', import.meta.url)
    const sizes = readdirSync(folder).map((name) => statSync(new URL(name, folder)).size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.lessThan(2_500_000)
  })
})

async function readTable(table: PackedTable): Promise<Map<string, readonly string[]>> {
  const texts = await readColumns(table)
  const columns = new Map([...texts].map(([name, text]) => [name, text.split('\n')] as const))
  const [codes, descriptions] = [columns.get('StockCode'), columns.get('Description')]
  const spelled =
    codes && descriptions
      ? [['Description', spellOutDescriptions(codes, descriptions)] as const]
      : []
  return new Map([...columns, ...spelled])
}

function cell(value: string): string {
  return /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
