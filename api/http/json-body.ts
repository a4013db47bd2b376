import type { Request } from 'express'
import type { z } from 'zod'
import { JsonTextRefused, refuseAmbiguousJson } from '#platform/json-text'
import { Problem, type Fault } from '#platform/problem'
import { problems } from './problems.ts'

/** More is refused before it is parsed; no request of this API needs more than five levels, or 500 names. */
const limits = { depthMax: 32, namesMax: 1_000 }
/** Faults that one answer lists. */
const faultsMax = 100

/** The body as JSON.  @throws {Problem} http/media-type-unsupported, http/body-malformed */
export function readJson(request: Request): unknown {
  const bytes: unknown = request.body
  if (!(bytes instanceof Uint8Array)) {
    throw new Problem(problems.mediaTypeUnsupported, 'The body must be application/json.')
  }
  return parseJson(decode(bytes))
}

/** Strictly: a lenient decoder would store replacement characters that nobody sent. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw malformed('not UTF-8', error)
  }
}

/** The document as the schema describes it.  @throws {Problem} http/body-invalid with every fault at once, up to 100 */
export function validate<S extends z.ZodType>(document: unknown, schema: S): z.output<S> {
  const result = schema.safeParse(document)
  if (!result.success) {
    throw new Problem(problems.bodyInvalid, summary(result.error), {
      faults: faultsOf(result.error).slice(0, faultsMax),
    })
  }
  return result.data
}

/** JSON text to a value; refuses what a later layer would choke on or read otherwise: names that stand twice,
 *  `__proto__`, endless nesting, text that is no text. */
export function parseJson(text: string): unknown {
  try {
    refuseAmbiguousJson(text, limits)
    return JSON.parse(text, refuseDangerous)
  } catch (error) {
    if (error instanceof Problem) {
      throw error
    }
    throw malformed(error instanceof JsonTextRefused ? error.message : 'not JSON', error)
  }
}

/** PostgreSQL stores neither NUL nor lone surrogates, in text or in jsonb. A number with decimals that JavaScript rounds
 *  to a whole one (9007199254740990.6) would pass for an amount that nobody sent. */
function refuseDangerous(key: string, value: unknown, context?: { source?: string }): unknown {
  if (Number.isInteger(value) && /\.\d*[1-9]/.test(context?.source ?? '')) {
    throw malformed('a number has more digits than can be read')
  }
  if (key === '__proto__') {
    throw malformed('the key "__proto__" is not allowed')
  }
  for (const one of [key, value]) {
    if (typeof one === 'string' && (one.includes('\0') || !one.isWellFormed())) {
      throw malformed('a string holds a NUL character or half a surrogate pair')
    }
  }
  return value
}

function malformed(reason: string, cause?: unknown): Problem {
  return new Problem(problems.bodyMalformed, `The body was refused: ${reason}.`, {
    faults: [{ detail: reason, pointer: '#' }],
    cause,
  })
}

function faultsOf(error: z.ZodError): readonly Fault[] {
  return error.issues.flatMap((issue) => {
    const at = (path: readonly PropertyKey[], detail: string): Fault => ({
      detail,
      pointer: `#${path.map((step) => `/${escapePointer(String(step))}`).join('')}`,
    })
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => at([...issue.path, key], 'unknown property'))
      : [at(issue.path, issue.message)]
  })
}

/** RFC 6901 section 3. */
function escapePointer(step: string): string {
  return step.slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')
}

function summary(error: z.ZodError): string {
  const count = faultsOf(error).length
  return count === 1 ? 'The body has one fault.' : `The body has ${count} faults.`
}
