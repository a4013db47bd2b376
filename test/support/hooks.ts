import { roomiest } from './run-directory.ts'
import { dropDatabases, startServers, stopServers } from './servers.ts'

/** Where a server does not start, or a migration does not apply, the others are stopped: mocha would wait for them forever. */
export async function mochaGlobalSetup(): Promise<void> {
  try {
    await startServers([], await roomiest())
  } catch (error) {
    await stopServers()
    throw error
  }
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopServers()
}

/** After each spec file: its databases are in memory as a rule. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await dropDatabases()
  },
}
