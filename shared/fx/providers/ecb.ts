import type { Clock } from '#platform/clock'
import type { Guard, HttpClient } from '#platform/http/http-client'
import { XMLParser } from 'fast-xml-parser'
import { z } from 'zod'
import { parseRate } from '../decimal-rate.ts'
import { PublicationRefused, type FxProvider, type QuotedRate } from '../provider.ts'
import { fetchDocument, parseDay } from './document.ts'

/** Where the European Central Bank publishes its reference rates (about 16:00 CET on working days). */
export type EcbOptions = { readonly dailyUrl: string; readonly historyUrl: string }

/** The daily file has 1.7 KB; 256 KiB leaves room for every currency there is. */
const dailyBytesMax = 256 * 1024
/** The 90-day file has 78 KB; 1 MiB is the limit of the fault matrix for any provider. */
const historyBytesMax = 1024 * 1024

type Parts = { readonly http: HttpClient; readonly clock: Clock; readonly guard: Guard }

/** Reference rates per euro, about 30 currencies. As-of is the date of the rates, at midnight UTC. */
export function createEcb(urls: EcbOptions, { http, clock, guard }: Parts): FxProvider {
  const mediaTypes = ['text/xml', 'application/xml']
  const source = { provider: 'ecb', base: 'EUR' }
  const fetchFile = <T>(
    { url, bodyBytesMax, signal }: { url: string; bodyBytesMax: number; signal: AbortSignal },
    parse: (text: string) => T,
  ) => fetchDocument(http, { url, mediaTypes, bodyBytesMax, signal, guard }, parse)
  return {
    name: source.provider,
    base: source.base,
    quotes: ['fiat'],
    async fetchLatest(signal) {
      const file = { url: urls.dailyUrl, bodyBytesMax: dailyBytesMax, signal }
      const { document, httpCalls } = await fetchFile(file, parseOnlyDay)
      return { ...source, ...document, fetchedAt: clock.now(), httpCalls }
    },
    async fetchHistory(signal) {
      const file = { url: urls.historyUrl, bodyBytesMax: historyBytesMax, signal }
      const { document, httpCalls } = await fetchFile(file, parseEcb)
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
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) {
    throw new PublicationRefused(`${repeated} stands twice`)
  }
}
