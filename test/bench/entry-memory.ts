import { addTenant, ecbRates, openBusiness, publishRates } from '../support/business.ts'
import { addLinks } from '../support/links.ts'
import { createDatabase } from '../support/servers.ts'
import { startForked } from './forked.ts'
import type { Kind, Weighed, Weighing } from './processes/entry-memory.ts'

const kinds: Readonly<Record<Kind, number>> = {
  detail: 20_000,
  'page of 20': 4_000,
  'page of 50': 2_000,
  'page of 20, br': 4_000,
  'page of 50, gzip': 4_000,
}

/** The bound of the second half, and how much more than fits is kept. */
const bytesMax = 67_108_864
const times = 5

/** What entries weigh, against what they are counted as; and whether the bound of the memory tier bounds the process. */
export async function printEntryMemory(): Promise<void> {
  const business = await openBusiness({
    url: await createDatabase(),
    connectionsMax: 2,
    fx: { providers: ['ecb'] },
  })
  await publishRates(business, ecbRates)
  const tenant = await addTenant(business, 'memory')
  await addLinks(business, tenant, 60, { description: 'Ten lanterns and a ribbon, as a gift' })
  const { organisationId } = tenant
  const start = (memoryBytesMax: number) =>
    startForked<Weighing, Weighed>(
      'entry-memory',
      { url: business.url, organisationId, memoryBytesMax },
      ['--expose-gc'],
    )
  const ratios: number[] = []
  for (const [kind, count] of Object.entries(kinds) as [Kind, number][]) {
    const one = start(1_073_741_824)
    const weighed = await one.ask({ kinds: [kind], count, warmUpCount: 200 })
    await one.stop()
    ratios.push(print(kind, weighed))
  }
  const bounded = start(bytesMax)
  const all = Object.keys(kinds) as Kind[]
  const weighed = await bounded.ask({
    kinds: all,
    count: roundsFor(times * bytesMax),
    warmUpCount: 5,
  })
  await bounded.stop()
  await business.lifecycle.stop()
  const used = (100 * weighed.realBytes) / bytesMax
  const counted = (100 * weighed.countedBytes) / bytesMax
  console.log(
    `\na tier of 64 MiB that was given ${times} times as much of all kinds holds ${weighed.entries} answers, which count as ${counted.toFixed(1)} % of its bound and weigh ${used.toFixed(1)} %`,
  )
  if (ratios.some((ratio) => Math.abs(ratio - 1) > 0.1) || used > 110) {
    process.exitCode = 1
  }
}

function print(kind: Kind, { bodyBytes, tags, entries, countedBytes, realBytes }: Weighed): number {
  const [counted, real] = [countedBytes / entries, realBytes / entries]
  console.log(
    `${kind.padEnd(17)} body ${String(bodyBytes).padStart(6)} B, ${String(tags).padStart(3)} tags: weighs ${real.toFixed(0).padStart(6)} B, counted ${counted.toFixed(0).padStart(6)} B, counted / real ${(counted / real).toFixed(3)}`,
  )
  return counted / real
}

/** Rounds of one of each kind. */
function roundsFor(bytes: number): number {
  return Math.ceil(bytes / 75_000)
}
