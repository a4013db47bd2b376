import { readConfig } from '#config'
import { runProcess } from '#platform/run-process'
import { startAdmin } from './app.ts'

await runProcess(process, {
  name: 'admin',
  readConfig: (environment) => readConfig(environment, 'admin'),
  logLevel: (config) => config.log.level,
  errorTracking: (config) => config.sentry,
  start: startAdmin,
})
