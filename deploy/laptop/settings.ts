import { isAbsolute, join } from 'node:path'
import { z } from 'zod'

/** What `npm start` reads of the environment; the processes read the rest themselves. */
export type Settings = {
  readonly isProduction: boolean
  readonly ports: Ports
  readonly dataDirectory: string
  /** Undefined: the embedded one. */
  readonly databaseUrl: string | undefined
  /** Undefined: one of our own if a binary is on PATH. Empty: no Redis. */
  readonly redisUrl: string | undefined
  readonly path: string
}

export type Ports = { readonly api: number; readonly worker: number; readonly admin: number }
export type Environment = Readonly<Record<string, string | undefined>>

/** An error whose message is all that a person needs; shown without its stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

const port = (fallback: number) =>
  z.preprocess(
    (text) => (text === '' ? undefined : text),
    z.coerce
      .number('must be a number from 1 to 65535')
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(65_535, 'must be at most 65535')
      .default(fallback),
  )
const optionalUrl = (protocols: readonly string[]) =>
  z
    .string()
    .optional()
    .refine(
      (text) => !text || protocols.includes(URL.parse(text)?.protocol ?? ''),
      `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
    )

const schema = z.object({
  NODE_ENV: z.string().optional(),
  PORT: port(3000),
  WORKER_PORT: port(3200),
  ADMIN_PORT: port(3100),
  DATA_DIR: z.string().optional(),
  DATABASE_URL: optionalUrl(['postgresql:', 'postgres:']),
  REDIS_URL: optionalUrl(['redis:', 'rediss:']),
  PATH: z.string().default(''),
})

/** What a production installation must be given; on a laptop it is embedded or generated. */
const production: Readonly<Record<string, string>> = {
  DATABASE_URL: 'the PostgreSQL to use, postgresql://user:password@host:5432/name',
  REDIS_URL: 'the Redis to use, redis://…, or set it empty to run without one',
  CURSOR_KEYS: 'the keys that sign cursors, see .env.example',
}

/** Parses the environment.  @throws {Refusal} that names every fault at once */
export function readSettings(env: Environment, root: string): Settings {
  const parsed = schema.safeParse(env)
  const faults = (parsed.error?.issues ?? []).map(
    ({ path, message }) =>
      `${path.join('.')} ${message}; it is ${JSON.stringify(env[String(path[0])])}`,
  )
  const isProduction = env['NODE_ENV'] === 'production'
  const missing = isProduction ? missingInProduction(env) : []
  if (!parsed.success || faults.length + missing.length > 0) {
    const hint = isProduction ? ['With NODE_ENV=production nothing is embedded or generated.'] : []
    throw new Refusal([...faults, ...missing, ...hint].join('\n'))
  }
  const { data } = parsed
  const ports = { api: data.PORT, worker: data.WORKER_PORT, admin: data.ADMIN_PORT }
  const directory = data.DATA_DIR || '.data' // oxlint-disable-line typescript/prefer-nullish-coalescing -- empty is unset
  refuseSamePort(ports)
  return {
    isProduction,
    ports,
    dataDirectory: isAbsolute(directory) ? directory : join(root, directory),
    databaseUrl: data.DATABASE_URL === '' ? undefined : data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    path: data.PATH,
  }
}

/** The variable that sets each process's port. */
export const portVariables = { api: 'PORT', worker: 'WORKER_PORT', admin: 'ADMIN_PORT' } as const

function missingInProduction(env: Environment): readonly string[] {
  return Object.entries(production)
    .filter(([name]) => (name === 'REDIS_URL' ? env[name] === undefined : !env[name]))
    .map(([name, meaning]) => `${name} is not set: ${meaning}`)
}

function refuseSamePort(ports: Ports): void {
  if (new Set(Object.values(ports)).size < 3) {
    throw new Refusal(
      `PORT, WORKER_PORT and ADMIN_PORT must differ; they are ${ports.api}, ${ports.worker} and ${ports.admin}`,
    )
  }
}
