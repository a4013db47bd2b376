import { z } from 'zod'

// The forms that the text of a variable may have. Each says in its description what it must be, so that
// a fault, `.env.example` and the documentation use the same words. No message repeats the value.

type Kind<Value> = z.ZodType<Value, string>

/** Any text that is not empty. */
export function text(form = 'text'): Kind<string> {
  return kind(form, (input) => (input === '' ? undefined : input))
}

/** A whole number in decimal digits, within bounds. */
export function integer(bounds: { readonly min: number; readonly max: number }): Kind<number> {
  return kind(`a whole number from ${bounds.min} to ${bounds.max}`, (input) => {
    const value = /^\d{1,15}$/.test(input) ? Number(input) : Number.NaN
    return value >= bounds.min && value <= bounds.max ? value : undefined
  })
}

/** A share between 0 and 1. */
export function ratio(): Kind<number> {
  return kind('a number from 0 to 1', (input) => {
    const value = /^\d+(\.\d+)?$/.test(input) ? Number(input) : Number.NaN
    return value <= 1 ? value : undefined
  })
}

/** A switch. */
export function flag(): Kind<boolean> {
  const words = new Map([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])
  return kind('true or false', (input) => words.get(input.toLowerCase()))
}

/** One word of a closed set. */
export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return kind(`one of ${words.join(', ')}`, (input) => words.find((word) => word === input))
}

/** A TCP port; 0 lets the system choose one. */
export function port(): Kind<number> {
  return integer({ min: 0, max: 65_535 })
}

/** An absolute URL with one of the given protocols (`https:`) and a host. */
export function url(...protocols: readonly string[]): Kind<string> {
  const form = `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  return kind(form, (input) => (isUrl(input, protocols) ? input : undefined))
}

/** Like `url`, where an empty text switches the thing off. */
export function urlOrEmpty(...protocols: readonly string[]): Kind<string> {
  const form = `empty, or a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  return kind(form, (input) => (input === '' || isUrl(input, protocols) ? input : undefined))
}

/** Words of a closed set, separated by commas, none twice, in an order that matters. */
export function listOf<const Word extends string>(
  ...known: readonly Word[]
): Kind<readonly Word[]> {
  return kind(`a list, separated by commas, of ${known.join(', ')}, none twice`, (input) => {
    const items = separated(input)
    const found = items.flatMap((item) => known.filter((word) => word === item))
    const isWhole = found.length === items.length && new Set(found).size === found.length
    return isWhole && found.length > 0 ? found : undefined
  })
}

/** The parts of a list that is separated by commas; an empty text has none. */
export function separated(input: string): readonly string[] {
  return input === '' ? [] : input.split(',').map((item) => item.trim())
}

/** What `parse` of a kind returns when it can say more exactly what is wrong. Must not hold the value. */
export class WrongForm {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** A kind of its own: `parse` gives the value, or `undefined` (or a `WrongForm`) when the text does not have the form. */
export function kind<Value>(
  form: string,
  parse: (input: string) => Value | WrongForm | undefined,
): Kind<Value> {
  return z
    .string()
    .transform((input, context) => {
      const value = parse(input)
      if (value === undefined || value instanceof WrongForm) {
        const why = value instanceof WrongForm ? value.why : `must be ${form}`
        context.addIssue({ code: 'custom', message: why })
        return z.NEVER
      }
      return value
    })
    .describe(form)
}

function isUrl(input: string, protocols: readonly string[]): boolean {
  const parsed = URL.parse(input)
  return parsed !== null && protocols.includes(parsed.protocol) && parsed.host !== ''
}
