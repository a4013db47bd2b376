import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { orphansIn } from '../laptop/postgres-cluster.ts'
import { chooseAnother, findListener, whyTaken } from '../laptop/ports.ts'
import { leftovers } from '../laptop/process-table.ts'
import { redisOrphans } from '../laptop/redis.ts'
import { findInstance } from '../laptop/single-instance.ts'
import { check, type Finding } from './finding.ts'

/** Looks without making anything: a doctor leaves no DATA_DIR behind. */
export const checkDataDirectory = check('DATA_DIR', 'see the message', async ({ settings }) => {
  const wanted = settings.dataDirectory
  let directory = wanted
  while (!existsSync(directory)) {
    directory = dirname(directory)
  }
  try {
    accessSync(directory, constants.W_OK | constants.X_OK)
    accessSync(existsSync(join(wanted, 'secrets.json')) ? join(wanted, 'secrets.json') : directory)
    return [{ state: 'ok', text: directory === wanted ? wanted : `${wanted} will be made` }]
  } catch {
    return [
      {
        state: 'problem',
        text: `${wanted} cannot be ${directory === wanted ? 'written' : `made in ${directory}`} by this user (id ${process.geteuid?.()})`,
        fix: 'choose another one: DATA_DIR=/path/to/directory npm start',
      },
    ]
  }
})

/** Whether one runs already, or servers of one that was killed. */
export const checkInstance = check('instance', 'see the message', async ({ settings }) => {
  const { dataDirectory } = settings
  if (!existsSync(dataDirectory)) {
    return [{ state: 'ok', text: 'none ran here yet' }]
  }
  const instance = await findInstance(dataDirectory)
  if (instance) {
    const who =
      instance.pid === undefined ? 'a start that does not answer' : `process ${instance.pid}`
    return [
      {
        state: 'warning',
        text: `${who} runs Tidegate in ${dataDirectory} now`,
        fix: 'nothing to do; Ctrl-C there before another npm start in this directory',
      },
    ]
  }
  const orphans = [
    ...leftovers(join(dataDirectory, 'processes.json')).map(({ pid }) => pid),
    ...within(dataDirectory, 'postgres', orphansIn),
    ...within(dataDirectory, 'redis', redisOrphans),
  ]
  return [
    orphans.length > 0
      ? {
          state: 'warning',
          text: `a start that was killed left processes behind: ${orphans.join(', ')}`,
          fix: 'nothing to do: the next npm start stops them and recovers',
        }
      : { state: 'ok', text: 'none runs' },
  ]
})

export const checkPorts = check('ports', 'see the message', async ({ settings }) => {
  const { dataDirectory } = settings
  const runs = existsSync(dataDirectory) && (await findInstance(dataDirectory)) !== undefined
  const own = runs ? leftovers(join(dataDirectory, 'processes.json')).map(({ pid }) => pid) : []
  const findings: Omit<Finding, 'subject'>[] = []
  for (const name of ['api', 'admin', 'worker'] as const) {
    const port = settings.ports[name]
    const reason = await whyTaken(port)
    const holder = findListener(port)?.pid
    if (holder !== undefined && own.includes(holder)) {
      findings.push({ state: 'ok', text: `${port} (${name}) is its own` })
      continue
    }
    findings.push(
      reason === undefined
        ? { state: 'ok', text: `${port} (${name}) is free` }
        : {
            state: runs ? 'warning' : 'problem',
            text: `${port} (${name}) ${reason}`,
            fix: chooseAnother(name, settings.ports),
          },
    )
  }
  return findings
})

function within(
  dataDirectory: string,
  name: string,
  find: (directory: string) => readonly number[],
): readonly number[] {
  const directory = join(dataDirectory, name)
  return existsSync(directory) ? find(realpathSync(directory)) : []
}
