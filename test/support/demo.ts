import { seedDemo } from '../../migrations/demo/seed.ts'
import { createDatabase } from './servers.ts'

/** A new database with the whole demo business, cloned in about a second from a template that the first caller pays
 *  for: give that `before` hook 120 s. Its rates are replayed for today. */
export async function createDemoDatabase(): Promise<string> {
  template ??= buildTemplate()
  return createDatabase(await template)
}
let template: Promise<string> | undefined

async function buildTemplate(): Promise<string> {
  const url = await createDatabase()
  await seedDemo(url, { now: new Date(), report: () => {} })
  return new URL(url).pathname.slice(1)
}
