import type { HttpClient, HttpGet } from '#platform/http/http-client'
import { PublicationRefused } from '../provider.ts'

/** Fetches and reads one document; a refusal to read it still says how many calls it cost. */
export async function fetchDocument<T>(
  http: HttpClient,
  request: HttpGet,
  parse: (text: string) => T | Promise<T>,
): Promise<{ readonly document: T; readonly httpCalls: number }> {
  const { text, httpCalls } = await http.get(request)
  try {
    return { document: await parse(text), httpCalls }
  } catch (error) {
    if (error instanceof PublicationRefused) {
      error.httpCalls = httpCalls
    }
    throw error
  }
}

/** Midnight UTC of a calendar date.  @throws {PublicationRefused} if there is no such date */
export function parseDay(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`)
  const isReal = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(day.getTime())
  if (!isReal || !day.toISOString().startsWith(text)) {
    throw new PublicationRefused(`${JSON.stringify(text.slice(0, 40))} is not a date`)
  }
  return day
}
