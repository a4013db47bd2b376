import { parseArgs } from 'node:util'

/** What a scenario may be told: the default and what it is. `false` is a switch. */
export type Options = Readonly<Record<string, readonly [otherwise: string | false, says: string]>>

/** Asked for by name; a name that is not declared is a fault of ours. */
export type Told = {
  number(name: string): number
  text(name: string): string
  is(name: string): boolean
}

/** @throws {Error} that says what there is, when something else is given */
export function readOptions(options: Options, words: readonly string[]): Told {
  const { values } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, [otherwise]]) => [
        name,
        otherwise === false
          ? { type: 'boolean' as const, default: false }
          : { type: 'string' as const, default: otherwise },
      ]),
    ),
  })
  const text = (name: string): string => String(values[name])
  return {
    text,
    is: (name) => values[name] === true,
    number(name) {
      const value = Number(text(name))
      if (!Number.isFinite(value) || value <= 0) {
        throw new Error(`--${name} is a number above 0`)
      }
      return value
    },
  }
}

/** One line for each. */
export function describeOptions(options: Options): string {
  return Object.entries(options)
    .map(([name, [otherwise, says]]) => {
      const shown = otherwise === false ? `--${name}` : `--${name} ${otherwise || 'TEXT'}`
      return `  ${shown.padEnd(28)} ${says}\n`
    })
    .join('')
}
