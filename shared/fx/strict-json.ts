import { PublicationRefused } from './provider.ts'

/** A number of a JSON document as it was written: "1.10", not the nearest float. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Providers' documents are two or three levels deep; more is not theirs. */
const depthMax = 8

/** Parses JSON with every number as its own text. Refuses repeated names: parsers disagree on which one counts, so
 *  such a document has no agreed meaning (RFC 8259 section 4).
 *  @throws {PublicationRefused} */
export function parseStrictJson(text: string): unknown {
  refuseRepeatedNames(text)
  try {
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new JsonNumber(context?.source ?? '') : value,
    )
  } catch (cause) {
    throw new PublicationRefused('the document is not JSON', { cause })
  }
}

/** Needs no valid JSON, only its tokens; JSON.parse judges the rest. */
function refuseRepeatedNames(text: string): void {
  const open: Set<string>[] = []
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      open.push(new Set())
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (colon !== undefined) {
      const name = nameOf(token.slice(0, -colon.length))
      if (open.at(-1)?.has(name) === true) {
        throw new PublicationRefused(`${JSON.stringify(name.slice(0, 40))} stands twice`)
      }
      open.at(-1)?.add(name)
    }
    if (open.length > depthMax) {
      throw new PublicationRefused(`the document is nested more than ${depthMax} levels deep`)
    }
  }
}

function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch (cause) {
    throw new PublicationRefused('the document is not JSON', { cause })
  }
}
