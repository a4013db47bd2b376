import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

/** Between two columns of a packed table; ASCII's own group separator, which no value contains. */
export const columnSeparator = '\u001D'

/** In the column Description: the same words as where this StockCode last stood. */
export const ditto = '='

export type PackedTable = 'online-retail' | 'eurofxref-hist' | 'categories'

/** The columns of a published table by their names. A column is one text, a value to a line, in the order of the
 *  file, without its heading: what PostgreSQL's string_to_array takes apart faster than we can.
 *  Costs about 0.5 s for the 541,909 lines of `online-retail`. */
export async function readColumns(table: PackedTable): Promise<ReadonlyMap<string, string>> {
  const file = await readFile(new URL(`data/${table}.br`, import.meta.url))
  const text = (await promisify(brotliDecompress)(file)).toString('utf8')
  return new Map(
    text.split(columnSeparator).map((column) => {
      const end = column.indexOf('\n')
      return [column.slice(0, end), column.slice(end + 1)]
    }),
  )
}

/** The column that must be there. @throws {Error} when the packed file lacks it */
export function getColumn(columns: ReadonlyMap<string, string>, name: string): string {
  const column = columns.get(name)
  if (column === undefined) {
    throw new Error(`the packed table has no column ${name}`)
  }
  return column
}

/** Descriptions that repeat what the same stock code was called on its line before become `ditto`. */
export function shareDescriptions(codes: readonly string[], descriptions: readonly string[]) {
  const lastOf = new Map<string, string>()
  return descriptions.map((description, line) => {
    if (description === ditto) {
      throw new Error(`line ${line} is really called ${ditto}: choose another sign for ditto`)
    }
    const code = codes[line] ?? ''
    const isSame = lastOf.get(code) === description
    lastOf.set(code, description)
    return isSame ? ditto : description
  })
}

/** The inverse of `shareDescriptions`: every line with its own description, as published. */
export function spellOutDescriptions(codes: readonly string[], descriptions: readonly string[]) {
  const lastOf = new Map<string, string>()
  return descriptions.map((description, line) => {
    const code = codes[line] ?? ''
    const spelled = description === ditto ? (lastOf.get(code) ?? '') : description
    lastOf.set(code, spelled)
    return spelled
  })
}
