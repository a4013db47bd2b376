import { readConfig } from '#config'
import { entities } from '#entities'
import { openPlatform } from '#platform/platform'
import { runProcess } from '#platform/run-process'
import { startWorker } from './app.ts'

await runProcess(process, {
  name: 'worker',
  readConfig: (environment) => readConfig(environment, 'worker'),
  logLevel: (config) => config.log.level,
  start: async (config, started) =>
    startWorker(config, await openPlatform(config, { ...started, entities })),
})
