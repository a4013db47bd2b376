/** What is wrong with a text before anybody parses it. */
export class JsonTextRefused extends Error {
  override readonly name = 'JsonTextRefused'
}

/** How large a document may be in what costs more than its bytes. */
export type JsonLimits = {
  readonly depthMax: number
  /** Names of all its objects together; thousands that collide in a hash table would make parsing quadratic. */
  readonly namesMax: number
}

/** Strings, with the colon that makes them names, and brackets. A string that never ends is one to the end of the text: from
 *  each of its quotes another try would begin otherwise, and the time grow with the square of its length. */
const tokens = /"(?:[^"\\]|\\.)*(?:"(\s*:)?|\\?$)|[{}[\]]/gs

/** Refuses JSON that parsers disagree about or choke on: names that stand twice in one object (RFC 8259 section 4) and
 *  documents that are nested deeper or have more names than the limits say. Looks at tokens only, without recursion; JSON.parse judges the rest.
 *  @throws {JsonTextRefused} */
export function refuseAmbiguousJson(text: string, { depthMax, namesMax }: JsonLimits): void {
  let names = 0
  const open: Set<string>[] = []
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      open.push(new Set())
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (colon !== undefined) {
      const name = nameOf(token.slice(0, -colon.length))
      if (open.at(-1)?.has(name) === true) {
        throw new JsonTextRefused(`the name ${JSON.stringify(name.slice(0, 40))} stands twice`)
      }
      open.at(-1)?.add(name)
      names += 1
    }
    if (names > namesMax) {
      throw new JsonTextRefused(`more than ${namesMax} names`)
    }
    if (open.length > depthMax) {
      throw new JsonTextRefused(`more than ${depthMax} levels deep`)
    }
  }
}

function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch (cause) {
    throw new JsonTextRefused('not JSON', { cause })
  }
}
