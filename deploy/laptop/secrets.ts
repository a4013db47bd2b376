import type { Random } from '#platform/random'
import { z } from 'zod'
import { readIfThere, writePrivate } from './private-file.ts'

const schema = z.object({
  postgresPassword: z.string(),
  redisPassword: z.string(),
  cursorKeys: z.string(),
})

/** What production must be given and a laptop makes up once. */
export type Secrets = z.infer<typeof schema>

/** Reads the secrets of a data directory, or makes them; a damaged file counts as lost.
 *  When they are new, an existing cluster does not know its password yet. */
export function openSecrets(
  path: string,
  random: Pick<Random, 'bytes'>,
): { readonly secrets: Secrets; readonly isNew: boolean } {
  const found = parse(readIfThere(path))
  if (found) {
    return { secrets: found, isNew: false }
  }
  const word = (): string => random.bytes(32).toString('base64url')
  const secrets = {
    postgresPassword: word(),
    redisPassword: word(),
    cursorKeys: `laptop:${word()}`,
  }
  writePrivate(path, `${JSON.stringify(secrets, undefined, 2)}\n`)
  return { secrets, isNew: true }
}

function parse(text: string | undefined): Secrets | undefined {
  try {
    return text === undefined ? undefined : schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
