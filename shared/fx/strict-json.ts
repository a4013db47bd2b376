import { JsonTextRefused, refuseAmbiguousJson } from '#platform/json-text'
import { PublicationRefused } from './provider.ts'

/** A number of a JSON document as it was written: "1.10", not the nearest float. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Providers' documents are two or three levels deep and name some hundred assets; more is not theirs. */
const limits = { depthMax: 8, namesMax: 10_000 }

/** Parses JSON with every number as its own text. Refuses repeated names: such a document has no agreed meaning.
 *  @throws {PublicationRefused} */
export function parseStrictJson(text: string): unknown {
  try {
    refuseAmbiguousJson(text, limits)
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new JsonNumber(context?.source ?? '') : value,
    )
  } catch (cause) {
    const reason = cause instanceof JsonTextRefused ? cause.message : 'not JSON'
    throw new PublicationRefused(`the document was refused: ${reason}`, { cause })
  }
}
