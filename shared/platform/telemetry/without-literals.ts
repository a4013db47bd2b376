/** A statement with its literal values replaced by `?`. Our statements bind their values, so this is the second lock on
 *  the door, for statements that somebody else wrote. Bind parameters and names keep their digits. */
export function withoutLiterals(sql: string): string {
  return sql
    .replaceAll(/\bE'(?:[^'\\]|\\.|'')*'/gis, '?')
    .replaceAll(/'(?:[^']|'')*'/g, '?')
    .replaceAll(/(?<![$\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '?')
}
