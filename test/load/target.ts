import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { openConnection } from './connection.ts'
import type { Watched } from './machine.ts'
import type { Scenario } from './scenarios.ts'

/** A message is all that a person needs: the run cannot begin. Exit code 2. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun'
}

/** The API that is tried, and what is known about it. */
export type Target = {
  readonly baseUrl: string
  readonly keys: { readonly secret?: string | undefined; readonly publishable?: string | undefined }
  readonly watched: Watched
}

const Demo = z.object({
  apiUrl: z.string(),
  databaseUrl: z.string(),
  secretKey: z.string().nullable(),
  publishableKey: z.string().nullable(),
  pids: z.object({ api: z.number() }),
})

/** The default of DATABASE_CONNECTION_LIMIT outside of production, where `npm start` runs. */
const poolOfDemo = 10

type Environment = Readonly<Record<string, string | undefined>>

/** From the variables, else from the `demo.json` of a running `npm start`. Process and database of the demo are looked at
 *  only when its API is the one that is tried.
 *  @throws {CannotRun} where there is neither */
export function findTarget(environment: Environment): Target {
  const path = join(environment['DATA_DIR'] ?? '.data', 'demo.json')
  const demo = existsSync(path)
    ? Demo.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data
    : undefined
  const address = environment['BASE_URL'] ?? demo?.apiUrl
  if (address === undefined) {
    throw new CannotRun(
      `no API to try: start one with npm start (there is no ${path}), or say BASE_URL=http://… API_KEY=…`,
    )
  }
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CannotRun(`BASE_URL must begin with http:// or https://, not ${address}`)
  }
  const baseUrl = url.href.replace(/\/+$/, '')
  const own = demo !== undefined && baseUrl === demo.apiUrl.replace(/\/+$/, '') ? demo : undefined
  const limit = Number(environment['DATABASE_CONNECTION_LIMIT'] ?? environment['DB_POOL_SIZE'])
  const secret = environment['API_KEY'] ?? own?.secretKey ?? undefined
  return {
    baseUrl,
    keys: { secret, publishable: environment['API_KEY'] ?? own?.publishableKey ?? undefined },
    watched: {
      pid: own?.pids.api,
      databaseUrl: environment['DATABASE_URL'] ?? own?.databaseUrl,
      poolMax: limit > 0 ? limit : own && poolOfDemo,
    },
  }
}

const Me = z.object({ data: z.object({ key: z.object({ scopes: z.array(z.string()) }) }) })

/** Finds out before anybody waits whether the server is there, the key is good and allows what the scenario does.
 *  @throws {CannotRun} that says what to do */
export async function checkTarget(
  { baseUrl, keys }: Target,
  name: string,
  scenario: Scenario,
): Promise<void> {
  const key = keys[scenario.key]
  const connection = openConnection(baseUrl, key)
  try {
    const live = await connection.send({ path: '/api/health/live', headers: {} })
    if (live.status !== 200) {
      const told = live.status === 0 ? 'nobody answers' : `the answer is ${live.status}`
      throw new CannotRun(`${told} at ${baseUrl}/api/health/live: is the API running?`)
    }
    if (scenario.scopes.length === 0) {
      return
    }
    if (key === undefined) {
      throw new CannotRun(
        `${name} needs a key: API_KEY=tg_sk_… (BASE_URL is not the API of demo.json)`,
      )
    }
    const me = await connection.send({ path: '/api/v2/me', headers: {} })
    if (me.status === 401) {
      throw new CannotRun(`the key is not good at ${baseUrl}: it was refused with 401`)
    }
    if (me.status === 429) {
      const again = me.header('retry-after') ?? 'some'
      throw new CannotRun(`the quota of the key is used up: try again in ${again} s`)
    }
    const held = me.status === 200 ? Me.safeParse(JSON.parse(me.body)).data : undefined
    if (held === undefined) {
      throw new CannotRun(`${baseUrl}/api/v2/me answers with ${me.status}, not as this API does`)
    }
    const lacking = scenario.scopes.filter((scope) => !held.data.key.scopes.includes(scope))
    if (lacking.length > 0) {
      throw new CannotRun(`${name} needs a key that may ${lacking.join(', ')}`)
    }
  } finally {
    connection.close()
  }
}
