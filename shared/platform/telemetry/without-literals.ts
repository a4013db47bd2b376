/** So many statements are remembered; the product has a few hundred, and those of the unit of work hold values. */
const rememberedMax = 1000

/** Of a longer one the beginning and the end are shown: the columns come first, and the tables last. */
const lengthMax = 2048
const endLength = lengthMax / 2 - 2

/** Statements as they are shown: without literals, space and lists of values drawn together, and not too long. Each is made
 *  once, for looking through a long statement costs as much as sending it. */
export function showingStatements(): (sql: string) => string {
  const known = new Map<string, string>()
  return (sql) => {
    let shown = known.get(sql)
    if (shown === undefined) {
      shown = shortened(withoutLiterals(sql))
      if (known.size === rememberedMax) {
        known.clear()
      }
      known.set(sql, shown)
    }
    return shown
  }
}

function shortened(sql: string): string {
  const drawn = sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\(\?(?:, \?)+\)/g, '(?)')
    .trim()
  return drawn.length <= lengthMax
    ? drawn
    : `${drawn.slice(0, endLength)} … ${drawn.slice(-endLength)}`
}

/** A statement with its literal values replaced by `?` and its comments left out. Our statements bind their values, so
 *  this is the second lock on the door, for statements that somebody else wrote. Bind parameters and names stay.
 *  One scan from left to right, since an apostrophe in a comment begins no string and a dash in a string no comment. The text
 *  may be cut off anywhere. */
export function withoutLiterals(sql: string): string {
  return sql.replaceAll(token, (text) => {
    if (text.startsWith('"')) {
      return text
    }
    return text.startsWith('--') || text.startsWith('/*') ? '' : '?'
  })
}

const token = new RegExp(
  [
    String.raw`"(?:[^"]|"")*"`,
    String.raw`--[^\n]*`,
    String.raw`/\*[\s\S]*?(?:\*/|$)`,
    String.raw`\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'?`,
    String.raw`'(?:[^']|'')*'?`,
    String.raw`\$(\w*)\$[\s\S]*?(?:\$\1\$|$)`,
    String.raw`(?<![$\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b`,
  ].join('|'),
  'g',
)
