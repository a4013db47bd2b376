/** The known name that a mistyped one most likely meant: at most two edits away, three for long names. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > 60) {
    return undefined
  }
  const [best] = known
    .map((candidate) => ({
      candidate,
      edits: editDistance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .toSorted((one, other) => one.edits - other.edits)
  return best && best.edits <= (name.length > 8 ? 3 : 2) ? best.candidate : undefined
}

/** Levenshtein's distance, one row of the table at a time. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, letter] of from.split('').entries()) {
    const next = [index + 1]
    for (const [column, other] of to.split('').entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
