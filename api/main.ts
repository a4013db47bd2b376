import { entities } from '#entities'
import { readConfig } from '#config'
import { openPlatform } from '#platform/platform'
import { runProcess } from '#platform/run-process'
import { startApi } from './app.ts'

await runProcess(process, {
  name: 'api',
  readConfig: (environment) => readConfig(environment, 'api'),
  logLevel: (config) => config.log.level,
  start: async (config, started) =>
    startApi(config, await openPlatform(config, { ...started, entities })),
})
