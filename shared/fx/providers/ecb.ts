import type { HttpClient } from '#platform/http/http-client'
import { setImmediate as turn } from 'node:timers/promises'
import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { parseRate } from '../decimal-rate.ts'
import type { ProviderParts } from '../providers.ts'
import { PublicationRefused, type FxProvider, type QuotedRate } from '../provider.ts'
import { fetchDocument, parseDay } from './document.ts'

/** Where the European Central Bank publishes its reference rates (about 16:00 CET on working days). */
export type EcbOptions = {
  readonly dailyUrl: string
  /** The last 90 days. */
  readonly historyUrl: string
  /** Every day since 1999. */
  readonly fullHistoryUrl: string
}

/** The daily file has 1.7 KB; 256 KiB leaves room for every currency there is. */
const dailyBytesMax = 256 * 1024
/** The 90-day file has 78 KB; 1 MiB is the limit of the fault matrix for any provider. */
const historyBytesMax = 1024 * 1024
/** The full file has 8 MB, and grows by 0.3 MB a year. */
const fullHistoryBytesMax = 32 * 1024 * 1024
/** Days that are parsed at a time, in which the process does nothing else: of the 7,000 of the whole file, 1.4 s at once. */
const daysAtOnce = 100

type Parts = Pick<ProviderParts, 'clock' | 'guardFor'> & { readonly http: HttpClient }

/** The rates come out at about 16:00 in Frankfurt, which is 14:00 or 15:00 UTC, and late at times. Less than half an hour,
 *  so that the one who asks every half hour is never a moment too early. */
const rhythm = { everyMs: 25 * 60 * 1000, window: { opensHour: 14, closesHour: 17 } }

/** Reference rates per euro, about 30 currencies. As-of is the date of the rates, at midnight UTC. */
export function createEcb(urls: EcbOptions, { http, clock, guardFor }: Parts): FxProvider {
  const guard = guardFor()
  const mediaTypes = ['text/xml', 'application/xml']
  const source = { provider: 'ecb', base: 'EUR' }
  const fetchFile = <T>(
    { url, bodyBytesMax, signal }: { url: string; bodyBytesMax: number; signal: AbortSignal },
    parse: (text: string) => T | Promise<T>,
  ) => fetchDocument(http, { url, mediaTypes, bodyBytesMax, signal, guard }, parse)
  return {
    name: source.provider,
    base: source.base,
    quotes: ['fiat'],
    rhythm,
    async fetchLatest(signal) {
      const file = { url: urls.dailyUrl, bodyBytesMax: dailyBytesMax, signal }
      const { document, httpCalls } = await fetchFile(file, parseOnlyDay)
      return { ...source, ...document, fetchedAt: clock.now(), httpCalls }
    },
    async fetchHistory(reach, signal) {
      const file =
        reach === 'full'
          ? { url: urls.fullHistoryUrl, bodyBytesMax: fullHistoryBytesMax, signal }
          : { url: urls.historyUrl, bodyBytesMax: historyBytesMax, signal }
      const { document, httpCalls } = await fetchFile(file, parseEcbHistory)
      const fetchedAt = clock.now()
      return document.map((day) => ({ ...source, ...day, fetchedAt, httpCalls }))
    },
  }
}

export type EcbDay = { readonly asOf: Date; readonly rates: readonly QuotedRate[] }

const quote = z.strictObject({ currency: z.string().regex(/^[A-Z]{3}$/), rate: z.string() })
const day = z.strictObject({ time: z.string(), Cube: z.array(quote).min(1) })
const envelope = z.object({
  Envelope: z.object({ Cube: z.tuple([z.strictObject({ Cube: z.array(day).min(1) })]) }),
})

/** Reads the daily and the 90-day file alike, which differ in quotes, spacing and padding. Oldest day first.
 *  @throws {PublicationRefused} if any part of it is not as the ECB writes it */
export function parseEcb(text: string): readonly EcbDay[] {
  const parsed = envelope.safeParse(parseXml(text))
  if (!parsed.success) {
    throw new PublicationRefused('the document is not a list of reference rates')
  }
  const [{ Cube: days }] = parsed.data.Envelope.Cube
  const result = days.map(({ time, Cube }) => {
    const rates = Cube.map(({ currency, rate }) => [currency, parseRate(rate)] as const)
    refuseRepeated(rates.map(([currency]) => currency))
    return { asOf: parseDay(time), rates }
  })
  refuseRepeated(days.map(({ time }) => time))
  return result.toSorted((left, right) => left.asOf.getTime() - right.asOf.getTime())
}

/** Reads a file of many days, some at a time, so that the process answers its probes meanwhile.
 *  @throws {PublicationRefused} if any part of it is not as the ECB writes it */
export async function parseEcbHistory(text: string): Promise<readonly EcbDay[]> {
  const starts = [...text.matchAll(/<Cube\s+time=/g)].map(({ index }) => index)
  const [first] = starts
  const end = text.lastIndexOf('</Cube>')
  if (first === undefined || starts.length <= daysAtOnce || end < first) {
    return parseEcb(text)
  }
  const days: EcbDay[] = []
  for (let from = 0; from < starts.length; from += daysAtOnce) {
    const part = text.slice(starts[from], starts[from + daysAtOnce] ?? end)
    days.push(...parseEcb(text.slice(0, first) + part + text.slice(end)))
    await turn()
  }
  refuseRepeated(days.map(({ asOf }) => asOf.toISOString()))
  return days.toSorted((left, right) => left.asOf.getTime() - right.asOf.getTime())
}

function parseOnlyDay(text: string): EcbDay {
  const [only, ...others] = parseEcb(text)
  if (only === undefined || others.length > 0) {
    throw new PublicationRefused(`the daily file has ${others.length + 1} days`)
  }
  return only
}

function parseXml(text: string): unknown {
  if (text.includes('<!')) {
    // No DOCTYPE, CDATA or comment: the ECB writes none, and entities are how XML bites.
    throw new PublicationRefused('the document declares more than elements')
  }
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    processEntities: false,
    removeNSPrefix: true,
    isArray: (name) => name === 'Cube',
  })
  try {
    return parser.parse(text, true)
  } catch (cause) {
    throw new PublicationRefused('the document is not well-formed XML', { cause })
  }
}

function refuseRepeated(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) {
      throw new PublicationRefused(`${name} stands twice`)
    }
    seen.add(name)
  }
}
