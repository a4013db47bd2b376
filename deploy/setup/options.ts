import { findOrganisationFaults, type NewOrganisation } from '#members'
import type { Fault } from '#platform/problem'
import { parseArgs } from 'node:util'
import { CommandError } from '../../migrations/command-error.ts'

/** What one `setup` command line asks for. */
export type SetupOptions =
  | { readonly task: 'help' }
  | {
      readonly task: 'create'
      readonly organisation: NewOrganisation
      readonly isJson: boolean
    }
  | {
      readonly task: 'rotate'
      /** Of the organisation whose keys are renewed; the only one when left out. */
      readonly slug: string | undefined
      readonly overlapSeconds: number
      readonly isJson: boolean
    }

/** Reads a command line.  @throws {CommandError} naming every fault of it */
export function parseSetup(args: readonly string[]): SetupOptions {
  const { values, positionals } = parseWords(args)
  const { slug, json: isJson } = values
  if (values.help === true || positionals[0] === 'help') {
    return { task: 'help' }
  }
  const [word, ...more] = positionals
  const unknown = word === 'rotate' ? more : positionals
  const faults = unknown.map((text) => `${text} is not a command`)
  if (word === 'rotate') {
    const overlapSeconds = parseHours(values.overlap ?? '24', faults)
    for (const name of ['name', 'currency', 'settlement'] as const) {
      if (values[name] !== undefined) {
        faults.push(`--${name} cannot be changed by rotate`)
      }
    }
    refuse(faults)
    return { task: 'rotate', slug, overlapSeconds, isJson }
  }
  const organisation = {
    name: values.name ?? '',
    slug: slug ?? '',
    defaultCurrency: values.currency ?? '',
    settlementAssets: (values.settlement ?? 'EUR,USD,AUD,JPY').split(','),
  }
  const missing = (['name', 'slug', 'currency'] as const).filter(
    (name) => values[name] === undefined,
  )
  faults.push(...missing.map((name) => `--${name} is missing`))
  faults.push(
    ...findOrganisationFaults(organisation).flatMap((fault) => describeFault(fault, missing)),
  )
  if (values.overlap !== undefined) {
    faults.push('--overlap belongs to rotate')
  }
  refuse(faults)
  return { task: 'create', organisation, isJson }
}

const options = {
  name: { type: 'string' },
  slug: { type: 'string' },
  currency: { type: 'string' },
  settlement: { type: 'string' },
  overlap: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const

function parseWords(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (error) {
    throw refusal([error instanceof Error ? error.message : String(error)])
  }
}

/** Longer than a year is not an overlap but two sets of keys. */
const overlapHoursMax = 8_784

function parseHours(text: string, faults: string[]): number {
  const hours = /^[0-9]{1,4}(\.[0-9]{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(hours <= overlapHoursMax)) {
    faults.push(`--overlap ${text} is not a number of hours from 0 to ${overlapHoursMax}`)
  }
  return Math.round(hours * 3600)
}

const optionOf: Readonly<Record<string, string>> = {
  name: 'name',
  slug: 'slug',
  defaultCurrency: 'currency',
  settlementAssets: 'settlement',
}

/** What is missing has been said already. */
function describeFault({ pointer, detail }: Fault, missing: readonly string[]): readonly string[] {
  const property = pointer.split('/')[1] ?? ''
  const option = optionOf[property] ?? property
  return missing.includes(option) ? [] : [`--${option} ${detail}`]
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) {
    throw refusal(faults)
  }
}

function refusal(faults: readonly string[]): CommandError {
  return new CommandError(
    'nothing was set up',
    faults.join('\n     '),
    'npm run setup -- --help shows every option with an example',
  )
}
