import { readConfig } from '#config'
import { runProcess } from '#platform/run-process'
import { startWorker } from './app.ts'

await runProcess(process, {
  name: 'worker',
  readConfig: (environment) => readConfig(environment, 'worker'),
  logLevel: (config) => config.log.level,
  errorTracking: (config) => config.sentry,
  start: startWorker,
})
