import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CommandError } from './command-error.ts'

const demo = z.object({ databaseUrl: z.string() })

/** DATABASE_URL, else where `npm start` says that its embedded database listens.
 *  @throws {CommandError} when there is neither, or when production would fall back to a laptop's database */
export async function findDatabaseUrl(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const url = env['DATABASE_URL']
  if (url) {
    return url
  }
  const file = join(env['DATA_DIR'] ?? '.data', 'demo.json')
  const text = env['NODE_ENV'] === 'production' ? undefined : await read(file)
  if (text === undefined) {
    throw new CommandError(
      'no database to work on',
      `DATABASE_URL is not set${env['NODE_ENV'] === 'production' ? '' : ` and ${file} does not exist`}`,
      'set DATABASE_URL=postgresql://user:password@host:5432/name, or run npm start first',
    )
  }
  const parsed = demo.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new CommandError(
      'no database to work on',
      `${file} names no databaseUrl`,
      'run npm start again',
    )
  }
  return parsed.data.databaseUrl
}

/** Host, port and database: what a message may say. */
export function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname}` : 'DATABASE_URL'
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined
    }
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
