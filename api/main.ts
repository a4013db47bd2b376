import { readConfig } from '#config'
import { runProcess } from '#platform/run-process'
import { startApi } from './app.ts'

await runProcess(process, {
  name: 'api',
  readConfig: (environment) => readConfig(environment, 'api'),
  logLevel: (config) => config.log.level,
  sharing: ({ api }) => api,
  start: startApi,
})
